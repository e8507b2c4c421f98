"""From staged rows to what the other packages hear: statements of orders, and shoppers.

Instants come as aware UTC, amounts in minor units, shoppers as pseudonyms.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from tombola.events import derived_id
from tombola.feeds.events import ShopperReceived, StatedConsent
from tombola.orders.events import OrderReceived
from tombola.orders.facts import MAX_LINES

StagedRow = Mapping[str, Any]
_STATEMENT = ("order_id", "stated_at", "ordered_at", "store_id", "shopper", "household", "currency")
"""Rows that agree on these are one statement; an order whose rows disagree makes several."""
_PURPOSES = ("profile", "ads", "partner")


def orders_stated(rows: pl.DataFrame, receipt: str, start: int) -> Iterator[OrderReceived]:
    """Yield what order lines state, in order of order id. They are those of a file from row `start` on.

    An order's lines may stand anywhere among them; where they are spread over several slices, each states *some lines*,
    which adds up. The same receipt and slice give the same events.
    """
    lines = rows.sort(*_STATEMENT, "line_id", nulls_last=True).iter_rows(named=True)
    for order_id, order in groupby(lines, key=itemgetter("order_id")):
        groups = (list(group) for _, group in groupby(order, key=itemgetter(*_STATEMENT)))
        for number, chunk in enumerate(chunk for group in groups for chunk in _chunks(group)):
            yield _received(derived_id("order-received", receipt, order_id, start, number), chunk[0], lines=chunk)


def returns_stated(rows: pl.DataFrame, receipt: str, _start: int) -> Iterator[OrderReceived]:
    """Yield one statement per return or cancellation, in order of order id.

    A cancelled line is one that came back; only a cancellation that names no line is of the whole order.
    """
    for row in rows.sort("order_id", "return_id").iter_rows(named=True):
        event_id = derived_id("order-received", receipt, row["order_id"], "return", row["return_id"])
        returns = [] if row["line_id"] is None else [row]
        cancelled_at = row["returned_at"] if row["cancelled"] and not returns else None
        yield _received(event_id, row, returns=returns, cancelled_at=cancelled_at)


def shoppers_stated(rows: pl.DataFrame, receipt: str, _start: int) -> Iterator[ShopperReceived]:
    """Yield one event per shopper."""
    for row in rows.iter_rows(named=True):
        yield ShopperReceived(
            event_id=derived_id("shopper-received", receipt, row["shopper"]),
            retailer=row["retailer"],
            shopper=row["shopper"],
            stated_at=row["stated_at"],
            registered_at=row["registered_at"],
            loyalty_tier=row["loyalty_tier"],
            consents=tuple(
                StatedConsent(purpose=purpose, granted=row[f"consent_{purpose}"], effective_at=row["consented_at"])
                for purpose in _PURPOSES
            ),
        )


def _chunks(lines: Sequence[StagedRow]) -> Iterator[Sequence[StagedRow]]:
    """A statement holds at most 2,000 lines."""
    for start in range(0, len(lines), MAX_LINES):
        yield lines[start : start + MAX_LINES]


def _received(event_id: str, row: StagedRow, **stated: object) -> OrderReceived:
    """Make the event in one validation: staged columns bear the facts' own names, and facts ignore the others."""
    header = row if "lines" in stated else None
    statement = {
        "retailer": row["retailer"],
        "order_id": row["order_id"],
        "door": "feed",
        "scope": "some",
        "stated_at": row["stated_at"],
        "header": header,
        **stated,
    }
    return OrderReceived.model_validate({"event_id": event_id, "statement": statement})
