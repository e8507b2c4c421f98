"""From judged rows to the typed columns of the staged file, and what is odd about them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache

import numpy as np
import polars as pl
import pyarrow as pa

from tombola.feeds.comparisons import expression
from tombola.feeds.contracts import Row
from tombola.feeds.events import FeedKind
from tombola.feeds.rules import Odd
from tombola.feeds.schemas import arrow_schema, columns
from tombola.feeds.splitting import Places
from tombola.feeds.tables import STORED_AS
from tombola.feeds.typed_columns import INSTANT


class Columns:
    """Builds the columns of one feed's staged file."""

    def __init__(
        self, kind: FeedKind, row: type[Row], retailer: str, pseudonyms: Mapping[str, Callable[[pl.Series], pl.Series]]
    ) -> None:
        """Use `pseudonyms`, by column, for what stands where a retailer's own ids were."""
        self._schema = pa.schema([_viewed(field) for field in arrow_schema(kind)])
        self._row = row
        self._columns = columns(row)
        self._retailer = retailer
        self._pseudonyms = {name: pseudonyms[name] for field, name in STORED_AS.items() if field in row.model_fields}

    def staged(self, values: pl.DataFrame, lines: Places, arrived_at: datetime) -> pl.DataFrame:
        """Return rows (the contract's fields, typed) as they are staged.

        A row that states no version was stated when its file arrived.
        """
        columns = [values[column.field].alias(column.name) for column in self._columns]
        return pl.DataFrame(
            [
                pl.Series("retailer", [self._retailer]).new_from_index(0, values.height),
                *(self._pseudonyms[one.name](one) if one.name in self._pseudonyms else one for one in columns),
                self._stated(values, arrived_at),
                pl.Series("source_line", lines, pl.Int64),
            ]
        )

    def batches(self, staged: pl.DataFrame) -> list[pa.RecordBatch]:
        """Return staged rows as Arrow has them, without copying a text."""
        table: pa.Table = staged.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
        batches: list[pa.RecordBatch] = pa.Table.from_arrays(table.columns, schema=self._schema).to_batches()
        return batches

    def _stated(self, values: pl.DataFrame, arrived_at: datetime) -> pl.Series:
        """Return when each row was stated; where all rows hold the same field, it is that column."""
        held = [values[field] for field in self._row.STATED_BY if values[field].null_count() < values.height]
        if held and not held[0].null_count():
            return held[0].alias("stated_at")
        stated = pl.coalesce(*self._row.STATED_BY, pl.lit(arrived_at, INSTANT))
        return values.select(stated.alias("stated_at")).to_series()


def _viewed(field: pa.Field) -> pa.Field:
    """Return a field of the staged file as memory holds it: texts stay where they were read."""
    return field.with_type(pa.string_view()) if pa.types.is_string(field.type) else field


def odd_rows(row: type[Row], values: pl.DataFrame) -> Iterator[tuple[Odd, list[int]]]:
    """Yield what is odd about typed rows, and their positions."""
    if not row.ODD:
        return
    marks = values.select(_odd(row))
    for odd, mark in zip(row.ODD, marks.iter_columns(), strict=True):
        if mark.any():
            yield odd, np.flatnonzero(mark.to_numpy()).tolist()


@cache
def _odd(row: type[Row]) -> Sequence[pl.Expr]:
    """Return what marks each kind of odd rows."""
    return [expression(odd.when).alias(str(number)) for number, odd in enumerate(row.ODD)]
