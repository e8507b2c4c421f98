"""From staged rows to what the other packages hear: statements of orders, and shoppers.

Instants come as aware UTC, amounts in minor units, shoppers as pseudonyms.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, BinaryIO

import polars as pl
import pyarrow.parquet as pq

from tombola.events import derived_id
from tombola.feeds.events import ShopperReceived, StatedConsent
from tombola.orders.events import OrderReceived
from tombola.orders.facts import MAX_LINES

StagedRow = Mapping[str, Any]
_STATEMENT = ("order_id", "stated_at", "ordered_at", "store_id", "shopper", "currency")
"""Rows that agree on these are one statement; an order whose rows disagree makes several."""
_PURPOSES = ("profile", "ads", "partner")


def sorted_rows(stream: BinaryIO, *by: str) -> Iterator[StagedRow]:
    """Yield a staged file's rows sorted by these columns. The file's columns are held in memory."""
    frame: pl.DataFrame = pl.DataFrame(pq.read_table(stream))
    yield from frame.sort(*by, nulls_last=True).iter_rows(named=True)


def orders_stated(stream: BinaryIO, receipt: str) -> Iterator[OrderReceived]:
    """Yield what a staged file of order lines states, in order of order id.

    An order's lines may stand anywhere in the file. The same receipt gives the same events.
    """
    rows = sorted_rows(stream, *_STATEMENT, "line_id")
    for order_id, order in groupby(rows, key=itemgetter("order_id")):
        groups = (list(group) for _, group in groupby(order, key=itemgetter(*_STATEMENT)))
        for number, lines in enumerate(chunk for group in groups for chunk in _chunks(group)):
            yield _received(derived_id("order-received", receipt, order_id, number), lines[0], lines=lines)


def returns_stated(stream: BinaryIO, receipt: str) -> Iterator[OrderReceived]:
    """Yield what a staged file of returns states: one statement per return or cancellation.

    A cancelled line is one that came back; only a cancellation that names no line is of the whole order.
    """
    for row in sorted_rows(stream, "order_id", "return_id"):
        event_id = derived_id("order-received", receipt, row["order_id"], "return", row["return_id"])
        returns = [] if row["line_id"] is None else [row]
        cancelled_at = row["returned_at"] if row["cancelled"] and not returns else None
        yield _received(event_id, row, returns=returns, cancelled_at=cancelled_at)


def shoppers_stated(rows: Iterable[StagedRow], receipt: str) -> Iterator[ShopperReceived]:
    """Yield what a staged file of shoppers states: one event per shopper."""
    for row in rows:
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
