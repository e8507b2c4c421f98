"""From judged rows to typed columns, and which of them were seen before."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import polars as pl
import pyarrow as pa

from tombola.feeds.contracts import Row
from tombola.feeds.decoding import Remembered
from tombola.feeds.events import FeedKind
from tombola.feeds.schemas import SHOPPER, TYPES, arrow_schema, columns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Seen = Literal["new", "duplicate", "conflict"]


class Columns:
    """Builds the record batches of one feed's staged file."""

    def __init__(self, kind: FeedKind, row: type[Row], retailer: str, pseudonym: Callable[[str], str]) -> None:
        """Use `pseudonym` for what stands where a shopper id was."""
        self.schema = arrow_schema(kind)
        self.key = [column.name for column in columns(row) if column.field in row.KEY]
        self._columns = columns(row)
        self._stated_by = row.STATED_BY
        self._retailer = retailer
        self._pseudonyms = Remembered(pseudonym)

    def batch(self, rows: Sequence[dict[str, Any]], lines: Sequence[int], arrived_at: datetime) -> pa.RecordBatch:
        """Return rows as columns. A row that states no version was stated when its file arrived."""
        arrays = [pa.array([self._retailer] * len(rows), pa.string())]
        for column in self._columns:
            values: list[object] = [row[column.field] for row in rows]
            if column.name == SHOPPER:
                values = [None if value is None else self._pseudonyms[str(value)] for value in values]
            arrays.append(_array(values, column.reads))
        arrays.append(_array([self._stated_at(row, arrived_at) for row in rows], "instant"))
        arrays.append(pa.array(lines, pa.int64()))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _stated_at(self, row: dict[str, Any], arrived_at: datetime) -> datetime:
        for field in self._stated_by:
            at: datetime | None = row[field]
            if at is not None:
                return at
        return arrived_at


def _array(values: Sequence[Any], reads: str) -> pa.Array:
    """Make a column. Instants go in as whole microseconds: handing over aware datetimes is 50 times slower."""
    if reads == "instant":
        values = [None if at is None else (at - _EPOCH) // _MICROSECOND for at in values]
        return pa.array(values, pa.int64()).cast(TYPES["instant"])
    return pa.array(values, TYPES[reads])


class Digests:
    """Remembers 16 bytes of every row of a file: a digest of its key, and one of everything it says.

    Two of 100 million rows are taken for one another with a chance of 1 in 3,000.
    """

    def __init__(self, key: Sequence[str]) -> None:
        """Rows with equal `key` columns are about the same thing."""
        self._key = key
        self._known: list[pl.DataFrame] = []

    def judge(self, batch: pa.RecordBatch) -> list[Seen]:
        """Return of each row whether it is new, a duplicate, or contradicts an earlier one of the same key."""
        frame = pl.DataFrame(batch).drop("source_line", "retailer")
        digests = pl.DataFrame(
            {"key": frame.select(self._key).hash_rows(seed=1), "row": frame.hash_rows(seed=2)},
        )
        known = self._among_known(digests["key"])
        if not known and digests["key"].n_unique() == len(digests):
            self._known.append(digests)
            return ["new"] * len(digests)
        judged: list[Seen] = [_judged(known, key, row) for key, row in digests.iter_rows()]
        self._known.append(digests.filter(pl.Series([one == "new" for one in judged], dtype=pl.Boolean)))
        return judged

    def _among_known(self, keys: pl.Series) -> dict[int, int]:
        """Return the rows seen before under any of these keys."""
        found = (known.filter(pl.col("key").is_in(keys.implode())) for known in self._known)
        return {key: row for frame in found for key, row in frame.iter_rows()}


def _judged(known: dict[int, int], key: int, row: int) -> Seen:
    """Judge one row and remember the first of its key."""
    first = known.setdefault(key, -1)
    if first == -1:
        known[key] = row
        return "new"
    return "duplicate" if first == row else "conflict"
