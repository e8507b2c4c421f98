"""Documents: msgpack in SQLite, as weak as Firestore on purpose.

Reads happen outside the write transaction, and a commit checks the preconditions it states and
nothing else, so that what would go wrong in the cloud goes wrong on a laptop too.
"""

import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgpack

from tombola.adapters.embedded.database import Database
from tombola.ports.clock import Clock
from tombola.ports.document_limits import check_commit
from tombola.ports.documents import (
    COLLECTIONS,
    Create,
    Delete,
    DocumentKey,
    Fields,
    OutboundEvent,
    Replace,
    Scalar,
    Snapshot,
    Value,
    Where,
    Write,
    outbox_writes,
)
from tombola.ports.errors import PreconditionFailed
from tombola.ports.indexes import check_query, query_order

PAGE = 500
"""Documents read at a time by a query."""
EXPIRED_AT_ONCE = 20
"""Most expired documents that one commit deletes of a collection it writes to."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = 1
"""The msgpack extension type of an instant: microseconds since 1970 as a big-endian int64."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (collection, id)
);
CREATE TABLE IF NOT EXISTS entries (
    collection TEXT NOT NULL,
    field TEXT NOT NULL,
    kind INTEGER NOT NULL,
    value NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (collection, field, kind, value, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_of_document ON entries (collection, id, field, kind, value);
CREATE TABLE IF NOT EXISTS last_version (only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL);
INSERT OR IGNORE INTO last_version VALUES (1, 0);
"""

_INDEXED: Mapping[str, tuple[str, ...]] = {
    name: (*declared.queried, *filter(None, [declared.expires])) for name, declared in COLLECTIONS.items()
}
"""Fields with entries: those of queries, and the one that tells when a document's time is over."""


class EmbeddedDocuments:
    """Documents in `home/documents.sqlite`. A version is a number that no write ever uses twice."""

    def __init__(self, home: Path, clock: Clock) -> None:
        """Keep the documents under `home`; `clock` dates what goes into the outbox."""
        self._database = Database(home / "documents.sqlite", _SCHEMA)
        self._clock = clock

    def get(self, keys: Sequence[DocumentKey]) -> list[Snapshot | None]:
        """Return one snapshot or None per key, in order. Reads are not isolated from one another."""
        return [self._get(key) for key in keys]

    def query(
        self, collection: str, where: Sequence[Where], *, order_by: str | None = None, limit: int | None = None
    ) -> Iterator[Snapshot]:
        """Yield the documents that match, in the port's order. A document without the field never matches.

        Raises `Refused` when the query needs an index that `COLLECTIONS` does not declare.
        """
        check_query(collection, where, order_by)
        return self._pages(_Query(collection, tuple(where), query_order(where, order_by)), limit)

    def commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent] = ()) -> None:
        """Apply all writes or none, and put the events into the outbox in the same commit.

        Raises `PreconditionFailed` when any precondition does not hold, `Refused` when a limit of the
        port is passed or a document is written twice. Publishes nothing: see the outbox.
        """
        outbox = outbox_writes(events, self._clock.now())
        check_commit([*writes, *outbox])
        if not writes and not outbox:
            return
        bodies = [None if isinstance(write, Delete) else _packed(write) for write in (*writes, *outbox)]
        with self._database.transaction() as connection:
            version = _next_versions(connection, len(bodies))
            for offset, (write, body) in enumerate(zip(writes, bodies, strict=False)):
                _apply(connection, write, body, version + offset)
            for offset, event in enumerate(outbox, start=len(writes)):
                _insert(connection, event, cast("bytes", bodies[offset]), version + offset)  # kept if it is there
            for collection in {write.key.collection for write in writes}:
                _expire(connection, collection, self._clock.now())

    def _get(self, key: DocumentKey) -> Snapshot | None:
        found = self._database.rows(
            "SELECT version, body FROM documents WHERE collection = ? AND id = ?", (key.collection, key.id)
        )
        return None if not found else Snapshot(key, _unpacked(found[0][1])[1], found[0][0])

    def _pages(self, query: "_Query", limit: int | None) -> Iterator[Snapshot]:
        """Read page by page, so that no read transaction stays open while the caller works."""
        after: tuple[Any, ...] | None = None
        left = limit
        while left is None or left > 0:
            wanted = PAGE if left is None else min(PAGE, left)
            page = self._database.rows(*query.statement(after, wanted))
            for version, body, *_place in page:
                parts, fields = _unpacked(body)
                yield Snapshot(DocumentKey(query.collection, parts), fields, version)
            if len(page) < wanted:
                return
            after = page[-1][2:]
            left = None if left is None else left - len(page)


@dataclass(frozen=True, slots=True)
class _Query:
    """A query as SQL: one join with the index entries per field, paged by the place of the last row."""

    collection: str
    where: tuple[Where, ...]
    order_by: str | None

    def statement(self, after: tuple[Any, ...] | None, limit: int) -> tuple[str, list[Any]]:
        """Return the statement of the page that follows `after`, and its parameters."""
        fields = list(dict.fromkeys([*(w.field for w in self.where), *([self.order_by] if self.order_by else [])]))
        tables = [f"entries e{number}" for number in range(len(fields))] + ["documents d"]
        tests: list[str] = ["d.collection = ?"]
        parameters: list[Any] = [self.collection]
        for number, name in enumerate(fields):
            tests.append(f"e{number}.collection = ? AND e{number}.field = ? AND e{number}.id = d.id")
            parameters += [self.collection, name]
        for condition in self.where:
            alias = f"e{fields.index(condition.field)}"
            tests.append(f"{alias}.kind = ? AND {alias}.value {_OPERATORS[condition.operator]} ?")
            parameters += _sortable(condition.value)
        place = ["d.id"]
        if self.order_by:
            alias = f"e{fields.index(self.order_by)}"
            place = [f"{alias}.kind", f"{alias}.value", "d.id"]
        if after is not None:
            tests.append(f"({', '.join(place)}) > ({', '.join('?' * len(place))})")
            parameters += after
        columns = ", ".join(place)
        statement = f"SELECT d.version, d.body, {columns} FROM {' JOIN '.join(tables)}"  # noqa: S608 (fixed words only)
        return f"{statement} WHERE {' AND '.join(tests)} ORDER BY {columns} LIMIT ?", [*parameters, limit]


_OPERATORS = {"==": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def _next_versions(connection: sqlite3.Connection, count: int) -> int:
    """Reserve `count` version numbers; return the first."""
    connection.execute("UPDATE last_version SET number = number + ?", (count,))
    (last,) = connection.execute("SELECT number FROM last_version").fetchone()
    return int(last) - count + 1


def _apply(connection: sqlite3.Connection, write: Write, body: bytes | None, version: int) -> None:
    """Do one write, or raise `PreconditionFailed`."""
    match write:
        case Create():
            done = _insert(connection, write, cast("bytes", body), version)
        case Replace():
            done = _update(connection, write, cast("bytes", body), version)
        case Delete():
            done = _delete(connection, write)
    if not done:
        expected = "no document" if isinstance(write, Create) else "the version that was read"
        msg = f"{write.key.collection}/{write.key.id} is not what was expected: {expected}"
        raise PreconditionFailed(msg)


def _insert(connection: sqlite3.Connection, write: Create, body: bytes, version: int) -> bool:
    done = connection.execute(
        "INSERT INTO documents (collection, id, version, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (write.key.collection, write.key.id, version, body),
    )
    if done.rowcount == 1:
        _index(connection, write.key, write.fields)
    return done.rowcount == 1


def _update(connection: sqlite3.Connection, write: Replace, body: bytes, version: int) -> bool:
    done = connection.execute(
        "UPDATE documents SET version = ?, body = ? WHERE collection = ? AND id = ? AND version = ?",
        (version, body, write.key.collection, write.key.id, write.version),
    )
    if done.rowcount == 1 and _INDEXED[write.key.collection]:
        _unindex(connection, write.key)
        _index(connection, write.key, write.fields)
    return done.rowcount == 1


def _delete(connection: sqlite3.Connection, write: Delete) -> bool:
    done = connection.execute(
        "DELETE FROM documents WHERE collection = ? AND id = ? AND version = ?",
        (write.key.collection, write.key.id, write.version),
    )
    if done.rowcount == 1 and _INDEXED[write.key.collection]:
        _unindex(connection, write.key)
    return done.rowcount == 1


def _expire(connection: sqlite3.Connection, collection: str, now: datetime) -> None:
    """Delete some documents whose time is over; whoever writes to a collection cleans up more than it adds.

    Firestore does it by itself, within a day or so: until then they may be read, here as there.
    """
    name = COLLECTIONS[collection].expires
    if name is None:
        return
    ended = connection.execute(
        "SELECT id FROM entries WHERE collection = ? AND field = ? AND kind = ? AND value <= ? LIMIT ?",
        (collection, name, *_sortable(now), EXPIRED_AT_ONCE),
    ).fetchall()
    for table in ("documents", "entries"):
        connection.executemany(
            f"DELETE FROM {table} WHERE collection = ? AND id = ?",  # noqa: S608 (fixed words only)
            [(collection, id_) for (id_,) in ended],
        )


def _index(connection: sqlite3.Connection, key: DocumentKey, fields: Fields) -> None:
    for name in _INDEXED[key.collection]:
        if name in fields:
            kind, value = _sortable(cast("Scalar", fields[name]))
            connection.execute(
                "INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (key.collection, name, kind, value, key.id)
            )


def _unindex(connection: sqlite3.Connection, key: DocumentKey) -> None:
    connection.execute("DELETE FROM entries WHERE collection = ? AND id = ?", (key.collection, key.id))


def _sortable(value: Scalar) -> tuple[int, int | str | bytes]:
    """Return a scalar as SQLite sorts it, in Firestore's order of types; ranges never cross a type."""
    match value:
        case None:
            return 0, 0
        case bool():
            return 1, int(value)
        case int():
            return 2, value
        case datetime():
            return 3, _microseconds(value)
        case str():
            return 4, value
        case bytes():
            return 5, value


def _packed(write: Create | Replace) -> bytes:
    return cast("bytes", msgpack.packb({**write.fields, "key": write.key.parts}, default=_extension))


def _unpacked(body: bytes) -> tuple[tuple[str, ...], dict[str, Value]]:
    """Return the key's parts and the fields."""
    fields = msgpack.unpackb(body, ext_hook=_instant)
    return tuple(fields.pop("key")), fields


def _extension(value: object) -> object:
    """Pack what msgpack does not know: instants, and maps that are no dicts."""
    if isinstance(value, datetime):
        return msgpack.ExtType(_INSTANT, struct.pack(">q", _microseconds(value)))
    return dict(cast("Mapping[str, Value]", value))


def _instant(_code: int, data: bytes) -> datetime:
    return _EPOCH + timedelta(microseconds=struct.unpack(">q", data)[0])


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)
