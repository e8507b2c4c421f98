"""A basket: what the criteria and the prize look at, made of an order and the catalogue."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from tombola.catalogue.model import Product, unknown
from tombola.orders.facts import Line, Order


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


def basket_of(order: Order, products: Mapping[str, Product], *, promised: bool = False) -> Basket:
    """Return what is left of an order after returns; `promised` looks at check_out's lines where there are any.

    A product that `products` lacks is known by its id alone.
    """
    stated = order.promised_lines if promised and order.promised_lines is not None else order.lines
    return Basket(
        retailer=order.retailer,
        order_id=order.order_id,
        shopper=order.header.shopper,
        store_id=order.header.store_id,
        channel=order.header.channel,
        ordered_at=order.header.ordered_at,
        currency=order.header.currency,
        lines=() if order.cancelled_at is not None else tuple(_kept(stated, _returned(order), products)),
        tenders=_tenders(order),
    )


def _kept(
    lines: tuple[Line, ...], returned: Mapping[str, tuple[int, int]], products: Mapping[str, Product]
) -> Iterator[BasketLine]:
    for line in lines:
        quantity, value = returned.get(line.line_id, (0, 0))
        left = max(line.quantity - quantity, 0)
        if line.quantity and not left:
            continue
        product = products.get(line.product_id) or unknown(line.product_id)
        yield BasketLine(line.line_id, product, left, _paid(line, left, max(line.value_minor - value, 0)))


def _paid(line: Line, quantity: int, value: int) -> int:
    """Return what the shopper paid for what is left: the coupon stays in proportion, rounded against the shopper.

    The proportion is that of value; of quantity where the line had no value; all of it where it had neither.
    """
    part, whole = (value, line.value_minor) if line.value_minor else (quantity, line.quantity)
    return value - (-(-line.coupon_minor * part // whole) if whole else line.coupon_minor)


def _returned(order: Order) -> dict[str, tuple[int, int]]:
    sums: dict[str, tuple[int, int]] = {}
    for item in order.returns:
        quantity, value = sums.get(item.line_id, (0, 0))
        sums[item.line_id] = (quantity + item.quantity, value + item.value_minor)
    return sums


def _tenders(order: Order) -> tuple[tuple[str, int], ...]:
    sums: dict[str, int] = {}
    for payment in order.payments:
        sums[payment.tender] = sums.get(payment.tender, 0) + payment.amount_minor
    return tuple(sorted(sums.items()))
