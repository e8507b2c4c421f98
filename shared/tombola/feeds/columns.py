"""From judged rows to typed columns, and which of them were seen before."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, Literal

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from tombola.feeds.contracts import Comparison, Odd, Row
from tombola.feeds.decoding import Remembered
from tombola.feeds.events import FeedKind
from tombola.feeds.schemas import SHOPPER, TYPES, Column, arrow_schema, columns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Seen = Literal["new", "duplicate", "conflict"]


class Columns:
    """Builds the record batches of one feed's staged file."""

    def __init__(self, kind: FeedKind, row: type[Row], retailer: str, pseudonym: Callable[[str], str]) -> None:
        """Use `pseudonym` for what stands where a shopper id was."""
        self.schema = arrow_schema(kind)
        self.key = [column.name for column in columns(row) if column.field in row.KEY]
        self.row = row
        self._columns = columns(row)
        self._retailer = retailer
        self._pseudonyms = Remembered(pseudonym)

    def batch(self, rows: Sequence[tuple[Any, ...]], lines: Sequence[int], arrived_at: datetime) -> pa.RecordBatch:
        """Return rows (values in the order of the contract's fields) as columns.

        A row that states no version was stated when its file arrived.
        """
        given = dict(zip(self.row.model_fields, zip(*rows, strict=True), strict=False))
        values = {column.field: self._values(column, given.get(column.field, ())) for column in self._columns}
        stated: Sequence[int | None] = [None] * len(rows)
        for field in reversed(self.row.STATED_BY):
            own = values.get(field) or list(map(_microseconds, given.get(field, ())))
            stated = [old if new is None else new for new, old in zip(own, stated, strict=True)]
        arrived = _microseconds(arrived_at)
        arrays = [
            pa.array([self._retailer] * len(rows), pa.string()),
            *(_array(values[column.field], column.reads) for column in self._columns),
            _array([arrived if at is None else at for at in stated], "instant"),
            pa.array(lines, pa.int64()),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _values(self, column: Column, given: Sequence[Any]) -> Sequence[Any]:
        if column.name == SHOPPER:
            return [None if value is None else self._pseudonyms[value] for value in given]
        return list(map(_microseconds, given)) if column.reads == "instant" else given


def odd_rows(row: type[Row], batch: pa.RecordBatch) -> Iterator[tuple[Odd, list[int]]]:
    """Yield what is odd in a batch, and the positions of the rows."""
    names = {column.field: column.name for column in columns(row)}
    for odd in row.ODD:
        hits = [_compared(batch, names, comparison) for comparison in odd.when]
        found = pc.indices_nonzero(reduce(pc.and_, hits)).to_pylist()
        if found:
            yield odd, found


def _compared(batch: pa.RecordBatch, names: Mapping[str, str], comparison: Comparison) -> pa.Array:
    field, operator, other = comparison
    right = batch.column(names[other]) if isinstance(other, str) else pa.scalar(other)
    return {"==": pc.equal, ">": pc.greater}[operator](batch.column(names[field]), right)


def _microseconds(at: datetime | None) -> int | None:
    """Return whole microseconds since 1970: handing aware datetimes to pyarrow is 50 times slower."""
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def _array(values: Sequence[Any], reads: str) -> pa.Array:
    if reads == "instant":
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
