"""Warehouse: append-only facts in columns, read through views that keep one row per key."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from tombola.ports.errors import NotFound, Refused
from tombola.ports.objects import ObjectRef

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.backends import BaseBackend

EVENT_TABLES = ("order_recorded", "play_changed", "proposal_made")
"""The tables of stored topics."""
EVENT_COLUMNS: Mapping[str, type] = {"event_id": str, "published_at": datetime, "type": str, "body": str}


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

        The statement is written in DuckDB's SQL, whatever engine runs it. A table that has no data yet is an empty
        table of its declared schema. Raises `Refused` for any other statement, and for one that is wrong.
        """
        ...

    def ibis(self) -> "BaseBackend":
        """Return a fresh Ibis backend over the same tables, as of now; the caller disconnects it.

        Temporary tables made in it are seen by nobody else and go with it.
        """
        ...


def check_table(table: str, known: Mapping[str, object] | Sequence[str]) -> None:
    """Refuse a table that nobody declared. Raises `NotFound`."""
    if table not in known:
        msg = f"unknown table {table!r}; expected one of {', '.join(known)}"
        raise NotFound(msg)


def check_event(row: Mapping[str, object]) -> None:
    """Refuse a row of another shape, or with an instant that has no zone. Raises `Refused`."""
    found = {name: type(value) for name, value in row.items()}
    published_at = row.get("published_at")
    if found != EVENT_COLUMNS or (isinstance(published_at, datetime) and published_at.tzinfo is None):
        shown = {name: type_.__name__ for name, type_ in found.items()}
        msg = f"event row {shown}; expected event_id, type and body as text and published_at as an aware instant"
        raise Refused(msg)


def check_columns(source: str, found: "pa.Schema", declared: "pa.Schema") -> None:
    """Refuse a source that lacks a declared column or holds it in another type. Raises `Refused`."""
    types = {field.name: _plain(field.type) for field in found}
    wrong = [
        f"{field.name}: found {types.get(field.name, 'nothing')}, expected {field.type}"
        for field in declared
        if types.get(field.name) != _plain(field.type)
    ]
    if wrong:
        msg = f"source {source} does not have the table's columns: {'; '.join(wrong)}"
        raise Refused(msg)


def _plain(type_: "pa.DataType") -> "pa.DataType":
    """Return what a type means, however its writer laid it out."""
    import pyarrow as pa  # noqa: PLC0415 (heavy)

    if pa.types.is_dictionary(type_):
        return _plain(type_.value_type)
    return {pa.large_string(): pa.string(), pa.string_view(): pa.string(), pa.large_binary(): pa.binary()}.get(
        type_, type_
    )
