"""Warehouse: one Parquet file per loaded source, read by DuckDB in memory, so that many processes can.

`home/warehouse/<table>/data` holds the files, `home/warehouse/<table>/loads` one list per load: a
file that no list names is not there. Event tables hold one file per batch under `data` alone.
pyarrow and duckdb are imported where they are used: a function that only passes by pays nothing.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tombola.adapters.embedded.files import temporary, translated
from tombola.ports.errors import Refused, Unavailable
from tombola.ports.objects import ObjectRef, Objects
from tombola.ports.warehouse import EVENT_COLUMNS, EVENT_TABLES, check_columns, check_event, check_table

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from ibis.backends import BaseBackend

_SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET python_enable_replacements = false",
    "CREATE SCHEMA hidden",
)
"""A statement sees our tables: not the network, not a caller's variables that share a table's name."""
_NEWEST_SOURCE = "place DESC, file_row_number DESC"


class _Source(NamedTuple):
    """A loaded source, in the order in which later rows replace earlier ones."""

    generation: int
    name: str
    bucket: str

    @property
    def file(self) -> str:
        return f"{_digest(self.bucket, self.name)}-{self.generation}.parquet"


class EmbeddedWarehouse:
    """Tables under `home/warehouse`.

    `tables` are the feed tables and their schemas (they may be a mapping that makes them late);
    `keys` names the columns of which readers see one row, that of the source with the highest
    generation (then name, then place in the file).
    """

    def __init__(
        self,
        home: Path,
        objects: Objects,
        *,
        tables: Mapping[str, "pa.Schema"],
        event_tables: Sequence[str] = EVENT_TABLES,
        keys: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """Load from `objects`; keep the files under `home`."""
        self._home = home.absolute()  # DuckDB compares full paths
        self._objects = objects
        self._tables = tables
        self._event_tables = tuple(event_tables)
        self._keys = keys or {}

    def load(self, table: str, sources: Sequence[ObjectRef]) -> None:
        """Load staged Parquet objects. A source loaded before (same name and generation) changes nothing.

        All or none of the sources of one call become visible. Raises `NotFound` for a missing source or
        table, `Refused` for a source that is no Parquet of the table's schema.
        """
        check_table(table, self._tables)
        known = self.loaded(table)
        fresh = sorted(
            {_Source(r.generation, r.name, r.bucket) for r in sources if (r.name, r.generation) not in known}
        )
        if not fresh:
            return
        with translated(f"table {table!r}"):
            for source in fresh:
                self._copy(table, source)
            listed = json.dumps([source._asdict() for source in fresh]).encode()
            self._write(self._folder(table, "loads") / f"{_digest(listed.decode())}.json", listed)

    def append(self, table: str, batch_id: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Store streamed events `{event_id, published_at, type, body}` (body is JSON text).

        The same `batch_id` twice changes nothing; the same event in two batches is one row to a reader.
        Raises `NotFound` for an unknown table, `Refused` for a row of another shape.
        """
        import pyarrow as pa  # noqa: PLC0415 (heavy)
        import pyarrow.parquet as pq  # noqa: PLC0415 (heavy)

        check_table(table, self._event_tables)
        for row in rows:
            check_event(row)
        path = self._folder(table, "data") / f"{_digest(batch_id)}.parquet"
        if not rows or path.exists():
            return
        draft = temporary(self._home)
        with translated(f"table {table!r}"):
            pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], _event_schema()), draft)
            draft.rename(path)

    def loaded(self, table: str) -> set[tuple[str, int]]:
        """Return (name, generation) of every source that `load` has made visible."""
        return {(source.name, source.generation) for source in self._sources(table)}

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> "pa.Table":
        """Run one read-only statement over the tables by their names; named parameters are `$name`.

        A table that has no data yet is an empty table of its declared schema. Raises `Refused` for a
        statement that reads no table, or reads it wrongly.
        """
        import duckdb  # noqa: PLC0415 (heavy)

        with closing(self.connect()) as connection:
            try:
                _check_reads(connection.extract_statements(sql))
                relation = connection.sql(sql, params=dict(parameters or {}))
                return relation.to_arrow_table()
            except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
                msg = f"warehouse: {error}"
                raise Unavailable(msg) from error
            except duckdb.Error as error:
                msg = f"statement refused: {error}"
                raise Refused(msg) from error

    def connect(self) -> "duckdb.DuckDBPyConnection":
        """Return a DuckDB in memory that has every table as a view: as of now, in UTC, and nothing else of the disk."""
        import duckdb  # noqa: PLC0415 (heavy)

        connection = duckdb.connect(":memory:")
        for setting in _SETTINGS:
            connection.execute(setting)
        for table, schema in self._tables.items():
            sources = sorted(self._sources(table))
            files = [str(self._folder(table, "data") / source.file) for source in sources]
            _create_view(connection, table, schema, files, self._keys.get(table, ()), _NEWEST_SOURCE)
        for table in self._event_tables:
            files = sorted(str(path) for path in self._folder(table, "data").glob("*.parquet"))
            _create_view(connection, table, _event_schema(), files, ("event_id",), "published_at, body")
        connection.execute("SET allowed_directories = $1", [[str(self._home / "warehouse")]])
        connection.execute("SET enable_external_access = false")
        return connection

    def ibis(self) -> "BaseBackend":
        """Return a fresh Ibis backend over the same tables, as of now; the caller disconnects it."""
        import ibis  # noqa: PLC0415 (heavy)

        backend: BaseBackend = ibis.duckdb.from_connection(self.connect())
        return backend

    def _sources(self, table: str) -> set[_Source]:
        check_table(table, self._tables)
        lists = [json.loads(path.read_bytes()) for path in self._folder(table, "loads").glob("*.json")]
        return {_Source(**each) for sources in lists for each in sources}

    def _copy(self, table: str, source: _Source) -> None:
        """Bring a source's bytes in, under a name that only these bytes can have."""
        path = self._folder(table, "data") / source.file
        draft = temporary(self._home)
        try:
            ref = ObjectRef(source.bucket, source.name, source.generation)
            with self._objects.open(ref) as stream, draft.open("xb") as copy:
                shutil.copyfileobj(stream, copy, 1024 * 1024)
            _check_schema(draft, source.name, self._tables[table])
            draft.rename(path)
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()

    def _write(self, path: Path, data: bytes) -> None:
        draft = temporary(self._home)
        draft.write_bytes(data)
        draft.rename(path)

    def _folder(self, table: str, kind: str) -> Path:
        folder = self._home / "warehouse" / table / kind
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _create_view(
    connection: "duckdb.DuckDBPyConnection",
    table: str,
    schema: "pa.Schema",
    files: Sequence[str],
    keys: Sequence[str],
    first: str,
) -> None:
    """Create the view of a table: the declared columns, of rows with the same key the `first` one."""
    connection.register("declared", schema.empty_table())
    connection.execute(f'CREATE TABLE hidden."{table}" AS FROM declared')
    connection.unregister("declared")
    columns = ", ".join(f'"{name}"' for name in schema.names)
    rows = f'hidden."{table}"'
    if files:
        connection.execute(f'CREATE TABLE hidden."{table}_files" (file VARCHAR, place BIGINT)')
        places = [list(files), list(range(len(files)))]
        connection.execute(f'INSERT INTO hidden."{table}_files" SELECT unnest($1), unnest($2)', places)
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        read = f"read_parquet([{listed}], union_by_name = true, filename = 'file', file_row_number = true)"
        rows = f'(FROM hidden."{table}" UNION ALL BY NAME FROM {read} JOIN hidden."{table}_files" USING (file))'
    distinct = ""
    if files and keys:
        of = ", ".join(f'"{name}"' for name in keys)
        distinct = f" QUALIFY row_number() OVER (PARTITION BY {of} ORDER BY {first}) = 1"
    view = f'CREATE VIEW "{table}" AS SELECT {columns} FROM {rows}{distinct}'  # noqa: S608 (names are declared, not given)
    connection.execute(view)


def _check_reads(statements: "Sequence[duckdb.Statement]") -> None:
    import duckdb  # noqa: PLC0415 (heavy)

    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        msg = f"{len(statements)} statements, of which not all read; expected one SELECT"
        raise Refused(msg)


def _check_schema(path: Path, name: str, declared: "pa.Schema") -> None:
    """Refuse a file that lacks a declared column or holds it in another type."""
    import pyarrow as pa  # noqa: PLC0415 (heavy)
    import pyarrow.parquet as pq  # noqa: PLC0415 (heavy)

    try:
        found = pq.read_schema(path)
    except pa.ArrowInvalid as error:
        msg = f"source {name} is no Parquet file: {error}"
        raise Refused(msg) from None
    check_columns(name, found, declared)


def _event_schema() -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415 (heavy)

    types = {str: pa.string(), datetime: pa.timestamp("us", tz="UTC")}
    return pa.schema([pa.field(name, types[type_], nullable=False) for name, type_ in EVENT_COLUMNS.items()])


def _digest(*parts: str) -> str:
    """Return a file name for any text."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
