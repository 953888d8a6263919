"""Three small programs beside which ours is measured, over the same rows in one SQLite table `company`."""
