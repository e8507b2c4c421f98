"""A basket: what the criteria and the prize look at, made of an order and the catalogue."""

from dataclasses import dataclass
from datetime import datetime

from tombola.catalogue.model import Product


@dataclass(frozen=True, slots=True)
class BasketLine:
    """What is left of an order line after returns. `paid_minor` = value - coupon, may be negative."""

    line_id: str
    product: Product
    quantity: int
    paid_minor: int


@dataclass(frozen=True, slots=True)
class Basket:
    """What is left of an order. Empty lines when it was cancelled. Tenders map name to minor units."""

    retailer: str
    order_id: str
    shopper: str | None
    store_id: str
    channel: str
    ordered_at: datetime
    currency: str
    lines: tuple[BasketLine, ...]
    tenders: tuple[tuple[str, int], ...] = ()
