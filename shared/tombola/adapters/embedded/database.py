"""One SQLite file, shared by threads and processes: what the document and topic adapters stand on."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tombola.adapters.embedded.files import locked
from tombola.ports.errors import Unavailable

BUSY_SECONDS = 30.0
"""How long a writer waits for the writers of other processes."""


class _Connection(sqlite3.Connection):
    """Closes itself with the thread that held it."""

    def __del__(self) -> None:
        self.close()


class Database:
    """A SQLite file in WAL mode: readers never wait, writers take turns.

    `synchronous=NORMAL` survives a killed process; `secure_delete` overwrites what is deleted,
    because erasure must not leave bytes behind.
    """

    def __init__(self, path: Path, schema: str) -> None:
        """Create the file and whatever of the schema (`CREATE ... IF NOT EXISTS`) is not there yet."""
        self._path = path
        self._local = threading.local()
        self._turn = threading.Lock()  # SQLite's own waiting is polling and unfair; a lock is neither
        path.parent.mkdir(parents=True, exist_ok=True)
        with _translated(path), locked(path.with_suffix(".lock")):
            self._connection().execute("PRAGMA journal_mode = WAL")
            self._connection().executescript(schema)

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of one reading statement."""
        with _translated(self._path):
            return self._connection().execute(statement, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that holds the write lock; commit at the end, roll back on an error."""
        with self._turn, _translated(self._path):
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # SQLite has ended it by itself when the disk is full
                    connection.execute("ROLLBACK")
                raise

    def _connection(self) -> sqlite3.Connection:
        held: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if held is None:
            held = self._connect()
            self._local.connection = held
        return held

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
            cached_statements=256,
        )
        for pragma in ("synchronous = NORMAL", "secure_delete = ON", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        msg = f"{path.name}: {error}"
        raise Unavailable(msg) from error
