"""Instants as others state them: aware, in UTC, in years that every store can hold."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

FIRST_YEAR, LAST_YEAR = 1970, 2199


def _in_utc(at: datetime) -> datetime:
    """Return the instant in UTC; the years at the ends of the calendar, where this overflows, are refused."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        msg = f"an instant in the year {at.year}; expected one from {FIRST_YEAR} to {LAST_YEAR}"
        raise ValueError(msg)
    return at.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
