"""Warehouse: append-only facts in columns, read through views that keep one row per key."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from tombola.ports.objects import ObjectRef

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.backends import BaseBackend


class Warehouse(Protocol):
    """BigQuery, or Parquet in a folder per table with DuckDB over it."""

    def load(self, table: str, sources: Sequence[ObjectRef]) -> None:
        """Load staged Parquet objects. A source loaded before (same name and generation) changes nothing.

        All or none of the sources of one call become visible. Raises `NotFound` for a missing source.
        """
        ...

    def append(self, table: str, batch_id: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Store streamed events `{event_id, published_at, type, body}` (body is JSON text).

        The same `batch_id` twice changes nothing; the same event in two batches is one row to a reader.
        """
        ...

    def loaded(self, table: str) -> set[tuple[str, int]]:
        """Return (name, generation) of every source that `load` has made visible."""
        ...

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> "pa.Table":
        """Run one read-only statement over the tables by their names; named parameters are `$name`.

        A table that has no data yet is an empty table of its declared schema.
        """
        ...

    def ibis(self) -> "BaseBackend":
        """Return a fresh Ibis backend over the same tables, as of now; the caller disconnects it.

        Temporary tables made in it are seen by nobody else and go with it.
        """
        ...
