"""A made-up company for `make demo`: real company names of the public register, invented people, phones and words."""
