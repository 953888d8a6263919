"""A business rule's way to say no."""


class RuleError(Exception):
    """A rule refused. `message` is for the user; `field` is the form field it belongs to, or None for the page."""

    def __init__(self, message, field: str | None = None):
        super().__init__(str(message))
        self.field = field
