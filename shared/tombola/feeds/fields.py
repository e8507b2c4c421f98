"""What a field of a row can be: how its text is read, in which unit, and within which bounds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, InstanceOf
from pydantic_core import PydanticCustomError

from tombola.money import EXPONENTS

GTIN_LENGTHS = (8, 12, 13, 14)


@dataclass(frozen=True, slots=True)
class Reads:
    """How a field's text is read before the model judges it."""

    how: Literal["text", "whole", "amount", "instant", "yes_no"]


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts. It is told, and refuses nothing."""

    name: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """Passes the texts of a list. Others are refused with `code`, and the message names the list."""

    code: str
    words: tuple[str, ...]

    def __call__(self, text: str) -> str:
        """Return the text. Raises what pydantic turns into an error of the row."""
        if text not in self.words:
            expected = {"expected": ", ".join(sorted(self.words))}
            raise PydanticCustomError(self.code, "expected one of {expected}", expected)
        return text


def gtin14(text: str) -> str:
    """Return a GTIN-8, -12, -13 or -14 as 14 digits, zeros before it, as GS1 stores them.

    So the same article is one text, whether its till wrote the 12 digits of a UPC or the 13 of an EAN. Only digits
    are taken: what holds blanks or dashes was made for people, and may have lost its leading zeros too.
    Raises what pydantic turns into an error of the row.
    """
    if not (text.isascii() and text.isdigit() and len(text) in GTIN_LENGTHS):
        kind, message = "not-a-gtin", "expected 8, 12, 13 or 14 digits and nothing else, leading zeros kept"
        raise PydanticCustomError(kind, message)
    from stdnum import ean  # noqa: PLC0415 (with the extra `feeds`; who only asks for names of tables has it not)

    if not ean.is_valid(text):
        kind, message = "gtin-check-digit", "the last digit is {found}; expected {expected} after these"
        raise PydanticCustomError(kind, message, {"found": text[-1], "expected": ean.calc_check_digit(text[:-1])})
    return text.zfill(max(GTIN_LENGTHS))


NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"
CURRENCIES = OneOf("unknown-currency", tuple(EXPONENTS))
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_CONTROL), Reads("text")]
Whole = Annotated[int, Field(strict=True, ge=0, le=10**9), Reads("whole")]
Amount = Annotated[int, Field(strict=True, ge=0, le=10**12), Reads("amount"), Unit("money, in the row's currency")]
"""Written with the currency's decimals, kept in its minor unit; the bounds are in minor units."""
Instant = Annotated[InstanceOf[datetime], Reads("instant")]
"""Reading makes it aware, in UTC; the model takes the very object, which is four times faster than a copy."""
YesNo = Annotated[bool, Field(strict=True), Reads("yes_no")]
Currency = Annotated[str, AfterValidator(CURRENCIES), Reads("text")]
Gtin = Annotated[str, AfterValidator(gtin14), Reads("text")]
