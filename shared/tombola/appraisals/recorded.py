"""The orders that a campaign's retailers recorded last, from the warehouse, in Ibis.

Importing this module imports Ibis, which takes a second: import it where it is needed.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis

from tombola.campaigns.model import Campaign
from tombola.orders.facts import Order
from tombola.reports.unpacking import unpack

if TYPE_CHECKING:
    from ibis.backends import BaseBackend

MOST_ORDERS = 20_000
"""So many are looked at: some seconds' work, and more would change an estimate little."""
_LINES = "line_id: string, product_id: string, quantity: int64, value_minor: int64, coupon_minor: int64"
_RETURNS = "return_id: string, line_id: string, quantity: int64, value_minor: int64"
_ORDER = (
    "struct<order: struct<retailer: string, order_id: string, revision: int64, authoritative: boolean,"
    " header: struct<shopper: string, store_id: string, ordered_at: string, currency: string, channel: string>,"
    f" lines: array<struct<{_LINES}>>, returns: array<struct<{_RETURNS}>>,"
    " payments: array<struct<payment_id: string, tender: string, amount_minor: int64>>, cancelled_at: string>>"
)
_KEY = ("retailer", "order_id")


@dataclass(frozen=True, slots=True)
class Recorded:
    """Orders in order of time. Of more than `MOST_ORDERS` only every nth is here, and `stands_for` n of them."""

    orders: tuple[Order, ...]
    stands_for: int = 1


def recorded_orders(backend: "BaseBackend", rules: Campaign, most: int = MOST_ORDERS) -> Recorded:
    """Return the latest orders in the pool's currency as they now stand, over as long a time as the campaign's window.

    The backend must be fresh: what is unpacked goes when it is disconnected.
    """
    order = unpack(backend.table("order_recorded"), _ORDER, backend.name).order.lift()
    order = order.mutate(ordered_at=order.header.ordered_at.cast("timestamp('UTC')"))
    ours = order.filter(order.retailer.isin(rules.retailers), order.header.currency == rules.pool.currency)
    packed = ours.select(*_KEY, "revision", state=ibis.struct({name: ours[name] for name in ours.columns}))
    states = packed.group_by(_KEY).aggregate(state=packed.state.argmax(packed.revision)).state.lift()
    newest = backend.create_table("newest", states, temp=True)
    last = newest.ordered_at.max().to_pyarrow().as_py()
    if last is None:
        return Recorded(())
    recent = newest.filter(newest.ordered_at > last - (rules.window.closes_at - rules.window.opens_at))
    stands_for = -(-recent.count().to_pyarrow().as_py() // most)
    in_time = ibis.window(order_by=["ordered_at", *_KEY])
    numbered = recent.mutate(number=ibis.row_number().over(in_time))
    kept = numbered.filter(numbered.number % stands_for == 0).order_by("number").drop("number", "ordered_at")
    return Recorded(tuple(map(_order, kept.to_pyarrow().to_pylist())), stands_for)


def _order(row: dict[str, object]) -> Order:
    """Return an order; what its event lacked is what a model has where nothing is stated."""
    return Order.model_validate({name: value for name, value in row.items() if value is not None})
