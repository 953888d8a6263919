"""What a view may say of its rows beyond a declaration; each has an answer that suits most."""


class Hooks:
    """Questions that lists, pages and spreadsheets ask a view."""

    part: type | None = None  # the model of a document's lines, for spreadsheets; `parts` gives those of one

    def row_pictures(self, rows) -> dict:
        """A small picture before the first cell of the rows of a page: HTML by row id."""
        return {}

    def starts(self, row, entity: str) -> bool:
        """Whether the next document may be started from this one as it is now."""
        return True

    def parts(self, row) -> list:
        """The lines of a document, in order."""
        return row.living

    def above(self, row) -> str:
        """HTML under the head of the record's page."""
        return ""

    def body(self, row) -> str:
        """HTML in front of the sections of the record's page, which then stand in a narrow column beside it."""
        return ""

    def beside(self, row) -> str:
        """HTML on top of that narrow column."""
        return ""

    def below(self, row) -> str:
        """HTML under the sections of the record's page."""
        return ""
