"""What a door states about an order, and the merged order everybody else reads.

Amounts are whole numbers of the currency's minor unit; instants are aware UTC; shoppers are
pseudonyms (never the retailer's own id).
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tombola.instants import Instant

Door = Literal["feed", "webhook", "check_out"]
AUTHORITATIVE: frozenset[Door] = frozenset({"feed", "webhook"})
"""Doors through which a retailer's system of record speaks; `check_out` only promises."""

MAX_LINES = 2_000

Text = Annotated[str, Field(min_length=1, max_length=200)]
MAX_MINOR = 10**12


class Fact(BaseModel):
    """Frozen; unknown fields are refused at HTTP doors and ignored in events."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Line(Fact):
    """One order line as the retailer's system knows it.

    `value_minor` is what the retailer receives for the line, discounts already off, coupons not yet:
    the shopper paid `value_minor - coupon_minor`. `quantity` counts the units the retailer sells by.
    """

    line_id: Text
    product_id: Text
    quantity: Annotated[int, Field(ge=0, le=10**9)]
    value_minor: Annotated[int, Field(ge=0, le=MAX_MINOR)]
    discount_minor: Annotated[int, Field(ge=0, le=MAX_MINOR)] = 0
    coupon_minor: Annotated[int, Field(ge=0, le=MAX_MINOR)] = 0


class ReturnedLine(Fact):
    """Part of a line that came back. `value_minor` is what was given back for it (of `value_minor`)."""

    return_id: Text
    line_id: Text
    quantity: Annotated[int, Field(ge=0, le=10**9)]
    value_minor: Annotated[int, Field(ge=0, le=MAX_MINOR)]


class Payment(Fact):
    """One tender. `tender` such as `card`, `cash`, `gift_card`, `meal_voucher`, `points`, `prize`."""

    payment_id: Text
    tender: Text
    amount_minor: Annotated[int, Field(ge=0, le=MAX_MINOR)]


class Header(Fact):
    """What holds for the order as a whole. `shopper` and `household` are pseudonyms."""

    shopper: Text | None
    household: Text | None = None
    store_id: Text
    ordered_at: Instant
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="three capital letters, as in EUR")]
    channel: Literal["store", "web", "app"] = "store"


class OrderStatement(Fact):
    """What one door says of one order at one instant of the source's clock.

    `scope="whole"`: lines older than `stated_at` and absent here are gone. `scope="some"`: nothing
    else is touched. `stated_at` is the source's own version, never the time of arrival.
    """

    retailer: Text
    order_id: Text
    door: Door
    scope: Literal["whole", "some"]
    stated_at: Instant
    header: Header | None = None
    lines: Annotated[tuple[Line, ...], Field(max_length=MAX_LINES)] = ()
    returns: Annotated[tuple[ReturnedLine, ...], Field(max_length=MAX_LINES)] = ()
    payments: Annotated[tuple[Payment, ...], Field(max_length=100)] = ()
    cancelled_at: Instant | None = None


class Order(Fact):
    """The merge of all facts known of one order, as published. `revision` only grows.

    Lines are sorted by `line_id`. While only `check_out` has spoken, `authoritative` is False.
    `promised_lines` are check_out's lines where an authoritative door has since spoken too.
    """

    retailer: str
    order_id: str
    revision: int
    authoritative: bool
    header: Header
    lines: tuple[Line, ...]
    promised_lines: tuple[Line, ...] | None = None
    returns: tuple[ReturnedLine, ...] = ()
    payments: tuple[Payment, ...] = ()
    cancelled_at: Instant | None = None
