"""What can be won, how it is drawn, out of what money, and how many tokens there can be."""

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tombola.campaigns.parts import Amount, Count, Name, Rules, Word

MOST_MOMENTS = 100_000
MOST_PRIZES = 20
SPACE = 2**64
"""Draws by odds are whole numbers below this."""


_ENDLESS = re.compile(r"e[-+]?\d{3}|\d{40}", re.IGNORECASE)
"""What no chance needs, and what takes hours to be made a fraction: `1e-999999999`."""


def _fraction(value: object) -> object:
    """Return `n/d` in lowest terms for a chance written as a fraction or a decimal; anything else as it came."""
    text = str(value)
    if _ENDLESS.search(text):
        return value
    try:
        chance = Fraction(text)
    except (ValueError, ZeroDivisionError):
        return value
    return f"{chance.numerator}/{chance.denominator}"


_FRACTION = {
    "pattern": r"^[1-9][0-9]{0,17}/[1-9][0-9]{0,17}$",
    "description": "a fraction such as 1/1000, or a decimal",
}
_WRITTEN = [
    {"type": "string", **_FRACTION},
    {"type": "string", "pattern": r"^0?\.[0-9]+$"},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
]
Chance = Annotated[
    str, BeforeValidator(_fraction), Field(pattern=_FRACTION["pattern"]), WithJsonSchema({"anyOf": _WRITTEN})
]


class Prize(Rules):
    """One prize that can be won. Which fields it states follows from its kind.

    `basket_value`: what was paid for what counts in the basket, up to `cap`. `fixed`: `amount` of money. `coupon`: a
    code worth `face_value`, no money of the pool. `physical`: a thing worth `value`, of which there are `stock`.
    How it is won: so many winning `moments`, or a `chance` per play, as the campaign's draw asks.
    """

    name: Word
    kind: Literal["basket_value", "fixed", "coupon", "physical"]
    title: Name | None = None
    cap: Amount | None = None
    amount: Amount | None = None
    face_value: Amount | None = None
    value: Amount | None = None
    stock: Count | None = None
    moments: Annotated[int, Field(ge=1, le=MOST_MOMENTS)] | None = None
    chance: Chance | None = None

    @model_validator(mode="after")
    def _states_what_its_kind_needs(self) -> "Prize":
        needed = WORTH[self.kind]
        for field in WORTH.values():
            if (getattr(self, field) is None) == (field == needed):
                expected = f"{needed}, and none of {', '.join(sorted(set(WORTH.values()) - {needed}))}"
                found = f"a prize of kind {self.kind} {'without' if field == needed else 'with'} {field}"
                msg = f"{found}; expected {expected}"
                raise ValueError(msg)
        if (self.kind == "physical" and self.stock is None) or (self.is_money and self.stock is not None):
            found = f"a prize of kind {self.kind} {'with' if self.stock else 'without'} stock"
            msg = f"{found}; expected a stock of things, none of money"
            raise ValueError(msg)
        return self

    @property
    def is_money(self) -> bool:
        """Tell whether winning it takes money from the pool."""
        return self.kind in {"basket_value", "fixed"}

    @property
    def worth(self) -> Decimal:
        """Most that one of it can be worth, in major units."""
        found: Decimal = getattr(self, WORTH[self.kind])
        return found

    @property
    def probability(self) -> Fraction:
        """The chance per play; 0 where none is stated."""
        return Fraction(self.chance) if self.chance else Fraction(0)


WORTH = {"basket_value": "cap", "fixed": "amount", "coupon": "face_value", "physical": "value"}
"""The field that says what a prize of a kind is worth at most."""


def money_chance(prizes: Sequence[Prize]) -> Fraction:
    """Return the chance that a play by odds wins money."""
    return sum((prize.probability for prize in prizes if prize.is_money), Fraction(0))


class Draw(Rules):
    """How it is drawn. `winning_moments`: instants derived over the window; the first play at or after one wins it.

    `odds`: every play draws against the chances of the prizes; then `maximum_plays` is required.
    """

    kind: Literal["winning_moments", "odds"]
    maximum_plays: Count | None = None

    @model_validator(mode="after")
    def _bounds_the_plays(self) -> "Draw":
        if (self.kind == "odds") != (self.maximum_plays is not None):
            found = f"a draw by {self.kind} {'without' if self.kind == 'odds' else 'with'} maximum_plays"
            msg = f"{found}; expected it with odds, and only there"
            raise ValueError(msg)
        return self


class Fallback(Rules):
    """What an open token wins once the pool or a stock is empty: money set aside for it, or a coupon."""

    kind: Literal["fixed", "coupon"]
    worth: Amount
    title: Name | None = None


class WhenEmpty(Rules):
    """What happens when a prize that was won cannot be paid: no more tokens are issued.

    The open ones play for a `fallback`, or for nothing, if the page `announced` that.
    """

    fallback: Fallback | None = None
    announced: Name | None = None

    @model_validator(mode="after")
    def _says_one_of_both(self) -> "WhenEmpty":
        if (self.fallback is None) == (self.announced is None):
            msg = "both or neither of fallback and announced; expected a prize, or the words that announced a loss"
            raise ValueError(msg)
        return self


class Pool(Rules):
    """The money that can be paid out, in the campaign's one currency.

    `unrecovered_returns`: most that may be paid for orders that come back afterwards and is not got back.
    """

    amount: Amount
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="three capital letters, as in EUR")]
    unrecovered_returns: Annotated[Decimal, Field(ge=0, max_digits=12)] = Decimal(0)


class Limits(Rules):
    """Most tokens: of one shopper, household, store, local day, local week (from Monday), and of all.

    An order without a shopper gets none where a limit per shopper exists, one without a household key none where
    a limit per household exists. Limits are per retailer account.
    """

    per_shopper: Annotated[int, Field(ge=1, le=1000)] | None = None
    per_household: Annotated[int, Field(ge=1, le=1000)] | None = None
    per_store: Count | None = None
    per_day: Count | None = None
    per_week: Count | None = None
    per_campaign: Count | None = None


class FreeEntry(Rules):
    """Taking part without buying: the same limits and odds; `basket_value` prizes pay this amount instead."""

    amount: Amount
    how: Name
