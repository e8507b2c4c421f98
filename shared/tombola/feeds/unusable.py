"""What makes a file unreadable: a value for the receipt, not a crash."""


class Unusable(Exception):
    """The file cannot be read (any further). `code` is one of `tombola.feeds.codes` of level `file`."""

    def __init__(self, message: str, *, code: str, line: int | None = None, value: str = "") -> None:
        """Say what was found and what was expected, and on which line."""
        super().__init__(message)
        self.code, self.message, self.line, self.value = code, message, line, value
