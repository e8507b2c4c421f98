"""Slices of a validated file: some 64 thousand rows at a time, from wherever an earlier call stopped.

A file of any size is passed on with the memory of two row groups, and a call that is cut short costs no more than its
own slice. Where a slice begins says where it ends, so the same file always falls into the same slices.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import BinaryIO

import polars as pl
import pyarrow.parquet as pq

from tombola.feeds.events import FileRef


def locate(files: Iterable[FileRef], row: int) -> tuple[FileRef, int] | None:
    """Return the file that holds a row, counted from 0 through all of them, and the row's place in that file.

    None behind the last row.
    """
    for file in files:
        if row < file.rows:
            return file, row
        row -= file.rows
    return None


def read_slice(stream: BinaryIO, start: int, together: str) -> pl.DataFrame:
    """Return the rows of a staged file from `start` to about the end of its row group, at least one.

    Rows at the end that share a value of the column `together` are left to the next slice, which may go on with it:
    an order whose lines stand side by side is in one slice.
    """
    file = pq.ParquetFile(stream)
    ends = list(accumulate(file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)))
    first = bisect_right(ends, start)
    begin, last = ends[first - 1] if first else 0, len(ends) - 1
    groups = [first] if start == begin or first == last else [first, first + 1]
    frame: pl.DataFrame = pl.DataFrame(file.read_row_groups(groups)).slice(start - begin)
    return frame if groups[-1] == last else frame.head(frame.height - _open_end(frame[together]))


def _open_end(column: pl.Series) -> int:
    """Return how many values at the end are the same as the last one; 0 if all are."""
    others = (column != column[-1]).arg_true()
    return len(column) - 1 - int(others[-1]) if len(others) else 0
