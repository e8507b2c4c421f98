"""Read staged files: the typed Parquet that a receipt names."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow.parquet as pq


def read_rows(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield the rows of a staged file, one row group in memory at a time. Instants are aware UTC."""
    for batch in pq.ParquetFile(stream).iter_batches():
        yield from batch.to_pylist()
