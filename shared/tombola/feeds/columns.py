"""From judged rows to the typed columns of the staged file, and what is odd about them."""

from collections.abc import Callable, Iterator
from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa

from tombola.feeds.comparisons import expression
from tombola.feeds.contracts import Row
from tombola.feeds.decoding import Remembered
from tombola.feeds.events import FeedKind
from tombola.feeds.masking import INSTANT
from tombola.feeds.rules import Odd
from tombola.feeds.schemas import SHOPPER, arrow_schema, columns
from tombola.feeds.splitting import Places


class Columns:
    """Builds the record batches of one feed's staged file."""

    def __init__(self, kind: FeedKind, row: type[Row], retailer: str, pseudonym: Callable[[str], str]) -> None:
        """Use `pseudonym` for what stands where a shopper id was."""
        self.schema = arrow_schema(kind)
        self._row = row
        self._columns = columns(row)
        self._retailer = retailer
        self._pseudonyms = Remembered(pseudonym)

    def batches(self, values: pl.DataFrame, lines: Places, arrived_at: datetime) -> list[pa.RecordBatch]:
        """Return rows (the contract's fields, typed) as columns.

        A row that states no version was stated when its file arrived.
        """
        stated = pl.coalesce(*self._row.STATED_BY, pl.lit(arrived_at, INSTANT))
        frame = values.select(
            pl.lit(self._retailer).alias("retailer"),
            *(pl.col(column.field).alias(column.name) for column in self._columns),
            stated.alias("stated_at"),
            pl.Series("source_line", lines, pl.Int64),
        )
        if SHOPPER in frame.columns:
            frame = frame.with_columns(self._pseudonyms_of(frame[SHOPPER]))
        table: pa.Table = frame.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
        batches: list[pa.RecordBatch] = table.cast(self.schema).to_batches()
        return batches

    def _pseudonyms_of(self, shoppers: pl.Series) -> pl.Series:
        """Make a pseudonym once per distinct shopper."""
        distinct = shoppers.unique().drop_nulls()
        made = pl.Series([self._pseudonyms[one] for one in distinct.to_list()], dtype=pl.String)
        return shoppers.replace_strict(distinct, made, default=None, return_dtype=pl.String)


def odd_rows(row: type[Row], values: pl.DataFrame) -> Iterator[tuple[Odd, list[int]]]:
    """Yield what is odd about typed rows, and their positions."""
    if not row.ODD:
        return
    marks = values.select(expression(odd.when).alias(str(number)) for number, odd in enumerate(row.ODD))
    for odd, mark in zip(row.ODD, marks.iter_columns(), strict=True):
        if mark.any():
            yield odd, np.flatnonzero(mark.to_numpy()).tolist()
