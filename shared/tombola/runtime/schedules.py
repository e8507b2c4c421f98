"""Schedules: the forms of cron's five fields that a laptop's scheduler and Cloud Scheduler both take."""

import re

_EVERY = re.compile(r"\*/([1-9]\d?) \* \* \* \*")
_MINUTES = re.compile(r"(\*|\d|[1-5]\d) \* \* \* \*")
_HOUR = 60
EXPECTED = "`* * * * *`, `*/N * * * *` with N dividing 60, or `M * * * *`"


def check_schedule(text: str) -> str:
    """Return a schedule as it is. Raises `ValueError` when it has none of the forms of `EXPECTED`."""
    every = _EVERY.fullmatch(text)
    if (every and _HOUR % int(every[1]) == 0) or _MINUTES.fullmatch(text):
        return text
    msg = f"schedule {text!r}; expected {EXPECTED}, in UTC"
    raise ValueError(msg)
