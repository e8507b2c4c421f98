"""What a row of each feed must hold: the only place of these rules.

A row arrives as text, is read by the retailer's dialect (`tombola.feeds.decoding`) into the types
named by `tombola.feeds.fields`, and is then judged by its model. Amounts are whole numbers of the currency's minor
unit; instants are aware UTC.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, ClassVar, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from tombola.feeds.events import FeedKind
from tombola.feeds.fields import Amount, Currency, Gtin, Instant, OneOf, Reads, Text, Unit, Whole, YesNo
from tombola.feeds.rules import Odd, Test, Wrong, equals, given, holds, including, missing, over

FINE_UNITS_OVER = 1_000
MUCH_DISCOUNT, TOO_MUCH_DISCOUNT = 20, 10_000
"""Times the value that is left. Over 20 times is 3 lines in the 1.5 million of a real grocer's year; a telephone for
one euro comes to a thousand. Over 10,000 times, one of the two is another column, or in another unit."""
ACTIONS = OneOf(
    "unknown-action",
    ("banner_seen", "banner_clicked", "page_viewed", "product_viewed", "searched", "basket_changed"),
)
NEEDED_BY_ACTION = {
    "banner_seen": ("campaign_id",),
    "banner_clicked": ("campaign_id",),
    "page_viewed": ("page",),
    "product_viewed": ("product_id",),
    "basket_changed": ("product_id", "quantity"),
}
Action = Annotated[str, AfterValidator(ACTIONS), Reads("text")]


class Row(BaseModel):
    """One row of a feed. `KEY` names it; `STATED_BY` are the fields of which the first present is its version."""

    model_config = ConfigDict(
        frozen=True, str_strip_whitespace=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    KEY: ClassVar[tuple[str, ...]]
    STATED_BY: ClassVar[tuple[str, ...]]
    HAPPENED_AT: ClassVar[str | None] = None
    """When what the row tells of happened; None for a row that tells how something is until further notice."""
    ASKED_BY: ClassVar[tuple[str, ...]]
    """The fields that questions to the warehouse select by, the most frequent first."""
    ODD: ClassVar[tuple[Odd, ...]] = ()
    WRONG: ClassVar[tuple[Wrong, ...]] = ()
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"shopper_id", "household_id"})
    """Fields whose values are never shown."""
    UNSTORED: ClassVar[frozenset[str]] = frozenset({"updated_at"})
    """Fields that are judged, and have no column of their own afterwards."""

    @model_validator(mode="after")
    def _nothing_is_wrong(self) -> Self:
        """Refuse the row, naming every rule across columns that it breaks."""
        values = self.__dict__
        if broken := [rule for rule, breaks in _tests(type(self)) if breaks(values)]:
            found = [InitErrorDetails(type=_error(rule), loc=(rule.field,), input=self) for rule in broken]
            raise ValidationError.from_exception_data(type(self).__name__, found)
        return self


@cache
def _tests(row: type[Row]) -> tuple[tuple[Wrong, Test], ...]:
    return tuple((rule, holds(rule.when)) for rule in row.WRONG)


def _error(rule: Wrong) -> PydanticCustomError:
    return PydanticCustomError(rule.code, "expected {expected}", {"expected": rule.expected})


class ProductRow(Row):
    """One product of the catalogue."""

    KEY = ("product_id",)
    STATED_BY = ("updated_at",)
    ASKED_BY = ("product_id",)

    product_id: Text = Field(examples=["1082185"])
    """The retailer's own id of the product, as order lines name it."""
    gtin: Gtin | None = Field(default=None, examples=["4006381333931"])
    """The article's GTIN-8, -12, -13 or -14, digits only, leading zeros kept. Stored as 14 digits."""
    name: Text | None = Field(default=None, examples=["ICE - CRUSHED/CUBED"])
    """What the shelf says, such as `ICE - CRUSHED/CUBED`."""
    brand: Text | None = Field(default=None, examples=["National"])
    """Brand or label; campaigns select by it."""
    category: Text | None = Field(default=None, examples=["SOFT DRINKS"])
    """Category; campaigns select by it, profiles count by it."""
    department: Text | None = Field(default=None, examples=["GROCERY"])
    """Department; campaigns select by it."""
    size: Text | None = Field(default=None, examples=["22 LB"])
    """Package size as text, such as `22 LB`."""
    updated_at: Instant | None = Field(default=None, examples=["2026-01-05T10:00:00Z"])
    """When the catalogue last changed it; by default when the file arrived. The newest wins."""


class OrderLineRow(Row):
    """One line of one order."""

    KEY = ("order_id", "line_id")
    STATED_BY = ("updated_at", "ordered_at")
    HAPPENED_AT = "ordered_at"
    ASKED_BY = ("product_id", "shopper_id", "order_id")
    ODD = (
        Odd("quantity-zero", "quantity", (equals("quantity", 0),)),
        Odd("value-zero", "value", (equals("value", 0), over("quantity", 0))),
        Odd("coupon-exceeds-value", "coupon", (over("coupon", "value"),)),
        Odd("discount-dwarfs-value", "discount", (over("value", 0), over("discount", "value", MUCH_DISCOUNT))),
        Odd("quantity-in-fine-units", "quantity", (over("quantity", FINE_UNITS_OVER),)),
    )
    WRONG = (
        Wrong(
            "discount-out-of-proportion",
            "discount",
            (over("discount", "value", TOO_MUCH_DISCOUNT), over("value", 0)),
            f"at most {TOO_MUCH_DISCOUNT:,} times `value`",
        ),
    )

    order_id: Text = Field(examples=["31198570044"])
    """The retailer's own id of the order (ticket, basket)."""
    line_id: Text = Field(examples=["1"])
    """Names the line within its order, and never changes."""
    shopper_id: Text | None = Field(default=None, examples=["2375"])
    """The retailer's own id of the shopper; empty for orders without a card. Stored as a pseudonym only."""
    household_id: Text | None = Field(default=None, examples=["h-88"])
    """The retailer's own id of the shopper's household, by which campaigns may limit. Stored as a pseudonym only."""
    store_id: Text = Field(examples=["317"])
    """The shop, or the web shop."""
    ordered_at: Instant = Field(examples=["2026-01-05T10:00:00Z"])
    """When the order was closed, on the dialect's clock."""
    product_id: Text = Field(examples=["1082185"])
    """The product as the catalogue names it."""
    quantity: Annotated[Whole, Unit("units sold")] = Field(examples=["2"])
    """Units sold, in the unit the retailer sells by. 0 is accepted with a warning."""
    value: Amount = Field(examples=["3.00"])
    """What the retailer receives for the line: discounts already off, coupons not yet."""
    discount: Amount = Field(default=0, examples=["0.58"])
    """What loyalty and shelf discounts took off before `value`."""
    coupon: Amount = Field(default=0, examples=["0.50"])
    """What coupons took off after `value`: the shopper paid `value - coupon`."""
    currency: Currency = Field(examples=["USD"])
    """ISO 4217; by default the retailer's currency."""
    updated_at: Instant | None = Field(default=None, examples=["2026-01-05T10:00:00Z"])
    """The source's version of the line; by default `ordered_at`. The newest wins."""


class ShopperRow(Row):
    """One shopper, and what they agreed to. Consent is stated, never guessed: all three are required."""

    KEY = ("shopper_id",)
    STATED_BY = ("updated_at", "consented_at")
    ASKED_BY = ("shopper_id",)

    shopper_id: Text = Field(examples=["2375"])
    """The retailer's own id of the shopper. Stored as a pseudonym only."""
    registered_at: Instant | None = Field(default=None, examples=["2019-05-04T09:30:00Z"])
    """Since when the retailer knows them."""
    consent_profile: YesNo = Field(examples=["yes"])
    """Whether what they buy may be read as a profile, for anything at all."""
    consent_ads: YesNo = Field(examples=["yes"])
    """Whether the profile may choose what they are shown."""
    consent_partner: YesNo = Field(examples=["no"])
    """Whether partners may learn of them."""
    consented_at: Instant = Field(examples=["2026-01-05T10:00:00Z"])
    """When they last said so. The latest time wins, per purpose."""
    loyalty_tier: Text | None = Field(default=None, examples=["gold"])
    """The retailer's own word."""
    updated_at: Instant | None = Field(default=None, examples=["2026-01-05T10:00:00Z"])
    """The source's version of the row; by default `consented_at`."""


class NavigationRow(Row):
    """One thing a shopper did on the retailer's site or app. Loaded to the warehouse."""

    KEY = ("event_id",)
    STATED_BY = ("occurred_at",)
    HAPPENED_AT = "occurred_at"
    ASKED_BY = ("action", "shopper_id", "campaign_id")
    WRONG = (
        *(
            Wrong("needed-by-action", field, (equals("action", action), missing(field)), f"a value for `{action}`")
            for action, fields in NEEDED_BY_ACTION.items()
            for field in fields
        ),
        Wrong("page-with-query", "page", (including("page", "?"),), "the page up to the `?`"),
    )
    PERSONAL = frozenset({"shopper_id", "search"})
    UNSTORED = frozenset({"updated_at", "search"})

    event_id: Text = Field(examples=["7f3c"])
    """Names the event."""
    shopper_id: Text | None = Field(default=None, examples=["2375"])
    """The retailer's own id of the shopper, if known. Stored as a pseudonym only."""
    action: Action = Field(examples=["product_viewed"])
    """One of `banner_seen`, `banner_clicked`, `page_viewed`, `product_viewed`, `searched`, `basket_changed`."""
    campaign_id: Text | None = Field(default=None, examples=["autumn-snacks"])
    """The campaign whose banner it was."""
    page: Text | None = Field(default=None, examples=["/drinks/cola"])
    """The page, without query parameters: they may hold names."""
    product_id: Text | None = Field(default=None, examples=["1082185"])
    """The product, if it was about one."""
    search: Text | None = Field(default=None, examples=["sugar free cola"])
    """What was searched for. It can name a person, so it is never shown and never stored: better not sent."""
    basket_id: Text | None = Field(default=None, examples=["b-20260105-17"])
    """The basket that was changed, so that it can be followed to its order."""
    quantity: Annotated[Whole, Unit("units in the basket")] | None = Field(default=None, examples=["2"])
    """Units of the product in the basket after it was changed; 0 when the product was taken out."""
    occurred_at: Instant = Field(examples=["2026-01-05T10:00:00Z"])
    """When it happened."""


class ReturnRow(Row):
    """What was bought and is not kept: units of a line that came back or were cancelled, or a whole cancelled order."""

    KEY = ("return_id",)
    STATED_BY = ("returned_at",)
    HAPPENED_AT = "returned_at"
    ASKED_BY = ("order_id", "line_id")
    WRONG = (
        Wrong(
            "line-missing",
            "line_id",
            (missing("line_id"), equals("cancelled", value=False)),
            "a line_id, or cancelled = yes",
        ),
        Wrong(
            "returns-nothing",
            "quantity",
            (given("line_id"), equals("quantity", 0), equals("value", 0)),
            "a quantity or a value of the line",
        ),
        Wrong("returned-exceeds-bought", "quantity", (over("quantity", "bought"),), "at most `bought`"),
    )

    return_id: Text = Field(examples=["r-1001"])
    """Names the return or the cancellation."""
    order_id: Text = Field(examples=["31198570044"])
    """The order."""
    line_id: Text | None = Field(default=None, examples=["1"])
    """The line; required unless the whole order is cancelled."""
    quantity: Annotated[Whole, Unit("units returned")] = Field(default=0, examples=["1"])
    """Units that came back, or were cancelled."""
    bought: Annotated[Whole, Unit("units bought")] | None = Field(default=None, examples=["2"])
    """Units of the line that were bought; where it is stated, no more than these can come back."""
    value: Amount = Field(default=0, examples=["1.50"])
    """What was given back, of the line's `value`."""
    currency: Currency = Field(examples=["USD"])
    """ISO 4217; by default the retailer's currency."""
    returned_at: Instant = Field(examples=["2026-01-07T16:45:00Z"])
    """When."""
    cancelled: YesNo = Field(default=False, examples=["no"])
    """Whether it was cancelled rather than brought back: the line, or the whole order where no line is named."""


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


def annotations(row: type[Row], field: str) -> tuple[object, ...]:
    """Return all that a field's annotations hold, also where it may be missing (`Text | None`)."""
    info = row.model_fields[field]
    return (*info.metadata, *(mark for part in get_args(info.annotation) for mark in _metadata(part)))


def reading(row: type[Row], field: str) -> str:
    """Return how a field is read: `text`, `whole`, `amount`, `instant` or `yes_no`."""
    return next((mark.how for mark in annotations(row, field) if isinstance(mark, Reads)), "text")


def needed(row: type[Row], field: str) -> bool:
    """Tell whether a sender must state a field. A currency never: it is the retailer's, by default."""
    return row.model_fields[field].is_required() and field != "currency"


def unit(row: type[Row], field: str) -> str:
    """Return what a field's number counts; empty for what is no number."""
    return next((mark.name for mark in annotations(row, field) if isinstance(mark, Unit)), "")


def _metadata(annotation: object) -> tuple[object, ...]:
    found: tuple[object, ...] = getattr(annotation, "__metadata__", ())
    return found
