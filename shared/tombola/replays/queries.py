"""What was recorded, read from the warehouse: orders as they now stand, the catalogue, and a campaign as it ran.

Importing this module imports Ibis, which takes a second: import it where orders are replayed.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from tombola.replays.model import Period, Ran
from tombola.reports.unpacking import instant, latest, unpack

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends import BaseBackend

_LINES = "array<struct<line_id: string, product_id: string, quantity: int64, value_minor: int64, coupon_minor: int64>>"
_ORDER = (
    "struct<order: struct<retailer: string, order_id: string, revision: int64, cancelled_at: string,"
    " header: struct<shopper: string, household: string, store_id: string, ordered_at: string, currency: string,"
    " channel: string>,"
    f" lines: {_LINES}, promised_lines: {_LINES},"
    " returns: array<struct<line_id: string, quantity: int64, value_minor: int64>>,"
    " payments: array<struct<tender: string, amount_minor: int64>>>>"
)
_HEADER = ("shopper", "household", "store_id", "currency", "channel")
_PARTS = ("lines", "promised_lines", "returns", "payments")
_PLAY = (
    "struct<token_id: string, revision: int64, campaign: string, state: string, issued_at: string, won: boolean,"
    " currency: string, reserved_minor: int64, released_minor: int64>"
)
WORDS = ("product_id", "name", "brand", "category", "department", "size", "gtin")


def recorded_orders(backend: "BaseBackend", retailers: Collection[str], period: Period) -> pl.DataFrame:
    """Return the retailers' orders of a period as they now stand, one row each, in order of time.

    Columns: retailer, order_id, shopper, household, store_id, currency, channel, ordered_at (UTC), cancelled,
    has_promise, and the lists lines, promised_lines, returns and payments. Where `has_promise` is false, the promised
    lines are none or null: BigQuery hands no null list over.
    """
    order = unpack(backend.table("order_recorded"), _ORDER, backend.name).order.lift()
    order = order.mutate(
        **{name: order.header[name] for name in _HEADER},
        ordered_at=instant(order.header.ordered_at),
        cancelled=order.cancelled_at.notnull(),
        has_promise=order.promised_lines.notnull(),
    )
    order = order.filter(order.retailer.isin(sorted(retailers)))
    newest = latest(order, ("retailer", "order_id"), (*_HEADER, "ordered_at", "cancelled", "has_promise", *_PARTS))
    within = newest.filter(newest.ordered_at >= period.begins, newest.ordered_at < period.ends)
    return _frame(within).sort("ordered_at", "retailer", "order_id")


def stated_products(backend: "BaseBackend", retailers: Collection[str]) -> pl.DataFrame:
    """Return the retailers' catalogues as they last stated them: retailer, stated_at and the words of a product."""
    products = backend.table("feed_products")
    return _frame(products.filter(products.retailer.isin(sorted(retailers))).select("retailer", "stated_at", *WORDS))


def as_it_ran(backend: "BaseBackend", campaign: str, period: Period) -> Ran | None:
    """Return what a campaign's tokens of a period came to, all versions together; None when it issued none."""
    changed = unpack(backend.table("play_changed"), _PLAY, backend.name)
    changed = changed.filter(changed.campaign == campaign)
    changed = changed.mutate(issued_at=instant(changed.issued_at))
    columns = ("state", "issued_at", "won", "currency", "reserved_minor", "released_minor")
    plays = latest(changed, ("token_id",), columns)
    rows = _frame(plays.filter(plays.issued_at >= period.begins, plays.issued_at < period.ends))
    if rows.is_empty():
        return None
    state = rows["state"]
    return Ran(
        campaign=campaign,
        tokens=len(rows),
        revoked=int((state == "revoked").sum()),
        expired=int((state == "expired").sum()),
        plays=int((state == "played").sum()),
        wins=int(rows["won"].sum()),
        won_minor=int(rows["reserved_minor"].sum()),
        payout_minor=int((rows["reserved_minor"] - rows["released_minor"]).sum()),
    )


def _frame(table: "ir.Table") -> pl.DataFrame:
    """Return a table's rows, its instants in microseconds as everywhere else."""
    return pl.DataFrame(table.to_polars()).with_columns(cs.datetime(time_zone="UTC").dt.cast_time_unit("us"))
