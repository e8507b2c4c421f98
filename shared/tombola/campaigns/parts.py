"""What the parts of a campaign file have in common: names, amounts, shares and their base."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime

FIRST_YEAR, LAST_YEAR = 1900, 2199


def _of_these_times(value: datetime) -> datetime:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        msg = f"the year {value.year}; expected {FIRST_YEAR} to {LAST_YEAR}"
        raise ValueError(msg)
    return value


PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"
Name = Annotated[
    str,
    Field(min_length=1, max_length=120, pattern=PRINTABLE, description="text without control characters"),
]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="1 to 40 of a-z, 0-9 and -, a letter first")]
Amount = Annotated[Decimal, Field(gt=0, max_digits=12)]
"""Decimal text in the currency's major unit (`"50.00"`); `Campaign.minor` makes whole numbers of it."""
Share = Annotated[Decimal, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=10**8)]
Local = Annotated[NaiveDatetime, AfterValidator(_of_these_times)]
Instant = Annotated[AwareDatetime, AfterValidator(_of_these_times)]
"""Bounded, so that nothing that is counted from them passes the end of the calendar."""


class Rules(BaseModel):
    """Base of every part of the file: frozen, and a field nobody knows is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __copy__(self) -> Self:
        """Return a copy that remembers nothing derived: `model_copy` may change what that was derived from."""
        copied = super().__copy__()
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied
