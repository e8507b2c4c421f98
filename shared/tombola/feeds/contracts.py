"""What a row of each feed must hold: the only place of these rules.

A row arrives as text, is read by the retailer's dialect (`tombola.feeds.decoding`) into the types
named here by `Reads`, and is then judged by its model. Amounts are whole numbers of the currency's minor unit;
instants are aware UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal, NamedTuple, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, InstanceOf, model_validator
from pydantic_core import PydanticCustomError

from tombola.feeds.events import FeedKind
from tombola.money import EXPONENTS

FINE_UNITS_OVER = 1_000
Comparison = tuple[str, Literal["==", ">"], str | int]
"""A field, and the number or the other field it is compared with."""


class Odd(NamedTuple):
    """What is accepted but worth a word: a warning's code, the field it is about, and when all of these hold."""

    code: str
    field: str
    when: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class Reads:
    """How a field's text is read before the model judges it."""

    how: Literal["text", "whole", "amount", "instant", "yes_no"]


def known_currency(code: str) -> str:
    """Return a code that is one of ISO 4217's known here. Raises what pydantic turns into an error of the row."""
    if code not in EXPONENTS:
        kind, message = "unknown-currency", "expected one of {expected}"
        raise PydanticCustomError(kind, message, {"expected": ", ".join(sorted(EXPONENTS))})
    return code


NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_CONTROL), Reads("text")]
Whole = Annotated[int, Field(strict=True, ge=0, le=10**9), Reads("whole")]
Amount = Annotated[int, Field(strict=True, ge=0, le=10**12), Reads("amount")]
Instant = Annotated[InstanceOf[datetime], Reads("instant")]
"""Reading makes it aware, in UTC; the model takes the very object, which is four times faster than a copy."""
YesNo = Annotated[bool, Field(strict=True), Reads("yes_no")]
Currency = Annotated[str, AfterValidator(known_currency), Reads("text")]


class Row(BaseModel):
    """One row of a feed. `KEY` names it; `STATED_BY` are the fields of which the first present is its version."""

    model_config = ConfigDict(
        frozen=True, str_strip_whitespace=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    KEY: ClassVar[tuple[str, ...]]
    STATED_BY: ClassVar[tuple[str, ...]]
    ODD: ClassVar[tuple[Odd, ...]] = ()
    ENOUGH: ClassVar[tuple[str, ...] | None] = None
    """Fields that satisfy the model's own validators when they are all present, whatever they hold."""
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"shopper_id"})


class ProductRow(Row):
    """One product of the catalogue."""

    KEY = ("product_id",)
    STATED_BY = ("updated_at",)

    product_id: Text
    """The retailer's own id of the product, as order lines name it."""
    name: Text | None = None
    """What the shelf says, such as `ICE - CRUSHED/CUBED`."""
    brand: Text | None = None
    """Brand or label; campaigns select by it."""
    category: Text | None = None
    """Category; campaigns select by it, profiles count by it."""
    department: Text | None = None
    """Department; campaigns select by it."""
    size: Text | None = None
    """Package size as text, such as `22 LB`."""
    updated_at: Instant | None = None
    """When the catalogue last changed it; by default when the file arrived. The newest wins."""


class OrderLineRow(Row):
    """One line of one order."""

    KEY = ("order_id", "line_id")
    STATED_BY = ("updated_at", "ordered_at")
    ODD = (
        Odd("quantity-zero", "quantity", (("quantity", "==", 0),)),
        Odd("value-zero", "value", (("value", "==", 0), ("quantity", ">", 0))),
        Odd("coupon-exceeds-value", "coupon", (("coupon", ">", "value"),)),
        Odd("quantity-in-fine-units", "quantity", (("quantity", ">", FINE_UNITS_OVER),)),
    )

    order_id: Text
    """The retailer's own id of the order (ticket, basket)."""
    line_id: Text
    """Names the line within its order, and never changes."""
    shopper_id: Text | None = None
    """The retailer's own id of the shopper; empty for orders without a card. Stored as a pseudonym only."""
    store_id: Text
    """The shop, or the web shop."""
    ordered_at: Instant
    """When the order was closed, on the dialect's clock."""
    product_id: Text
    """The product as the catalogue names it."""
    quantity: Whole
    """Units sold, in the unit the retailer sells by. 0 is accepted with a warning."""
    value: Amount
    """What the retailer receives for the line: discounts already off, coupons not yet."""
    discount: Amount = 0
    """What loyalty and shelf discounts took off before `value`."""
    coupon: Amount = 0
    """What coupons took off after `value`: the shopper paid `value - coupon`."""
    currency: Currency
    """ISO 4217; by default the retailer's currency."""
    updated_at: Instant | None = None
    """The source's version of the line; by default `ordered_at`. The newest wins."""


class ShopperRow(Row):
    """One shopper, and what they agreed to. Consent is stated, never guessed: all three are required."""

    KEY = ("shopper_id",)
    STATED_BY = ("updated_at", "consented_at")

    shopper_id: Text
    """The retailer's own id of the shopper. Stored as a pseudonym only."""
    registered_at: Instant | None = None
    """Since when the retailer knows them."""
    consent_profile: YesNo
    """Whether what they buy may be read as a profile, for anything at all."""
    consent_ads: YesNo
    """Whether the profile may choose what they are shown."""
    consent_partner: YesNo
    """Whether partners may learn of them."""
    consented_at: Instant
    """When they last said so. The latest time wins, per purpose."""
    loyalty_tier: Text | None = None
    """The retailer's own word."""
    updated_at: Instant | None = None
    """The source's version of the row; by default `consented_at`."""


class NavigationRow(Row):
    """One thing a shopper did on the retailer's site or app. Loaded to the warehouse."""

    KEY = ("event_id",)
    STATED_BY = ("occurred_at",)

    event_id: Text
    """Names the event."""
    shopper_id: Text | None = None
    """The retailer's own id of the shopper, if known. Stored as a pseudonym only."""
    action: Text
    """Such as `view`, `search`, `add_to_basket`."""
    product_id: Text | None = None
    """The product, if it was about one."""
    page: Text | None = None
    """The page, without query parameters: they may hold names."""
    occurred_at: Instant
    """When it happened."""


class ReturnRow(Row):
    """Part of an order line that came back, or a whole order that was cancelled."""

    KEY = ("return_id",)
    STATED_BY = ("returned_at",)
    ENOUGH = ("line_id",)

    return_id: Text
    """Names the return or the cancellation."""
    order_id: Text
    """The order."""
    line_id: Text | None = None
    """The line; required unless the whole order is cancelled."""
    quantity: Whole = 0
    """Units that came back."""
    value: Amount = 0
    """What was given back, of the line's `value`."""
    currency: Currency
    """ISO 4217; by default the retailer's currency."""
    returned_at: Instant
    """When."""
    cancelled: YesNo = False
    """Whether the whole order was cancelled."""

    @model_validator(mode="after")
    def _names_a_line_or_cancels(self) -> Self:
        if self.line_id is None and not self.cancelled:
            kind, message = "line-missing", "expected a line_id, or cancelled = yes"
            raise PydanticCustomError(kind, message)
        return self


CONTRACTS: Mapping[FeedKind, type[Row]] = {
    "products": ProductRow,
    "orders": OrderLineRow,
    "shoppers": ShopperRow,
    "navigation": NavigationRow,
    "returns": ReturnRow,
}
KINDS: tuple[FeedKind, ...] = get_args(FeedKind)


def contract(kind: FeedKind) -> type[Row]:
    """Return the row model of a feed."""
    return CONTRACTS[kind]


def reading(row: type[Row], field: str) -> str:
    """Return how a field is read: `text`, `whole`, `amount`, `instant` or `yes_no`."""
    annotation = row.model_fields[field].annotation
    marks = (*row.model_fields[field].metadata, *(m for arg in get_args(annotation) for m in _metadata(arg)))
    return next((mark.how for mark in marks if isinstance(mark, Reads)), "text")


def _metadata(annotation: object) -> tuple[object, ...]:
    found: tuple[object, ...] = getattr(annotation, "__metadata__", ())
    return found
