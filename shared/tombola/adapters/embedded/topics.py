"""Topics: a queue in SQLite, with what Pub/Sub does: fan-out, leases, back-off, dead letters.

`publish` is the port. The rest is the pull side, from which a local runner pushes to functions.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from tombola.adapters.embedded.database import Database
from tombola.ports.errors import NotFound
from tombola.ports.topics import Message, check_message

DEAD_LETTERS = "dead-letters"
"""Topic and subscription of what could not be delivered. It keeps every message until it is redriven or discarded."""
SOURCE_SUBSCRIPTION = "CloudPubSubDeadLetterSourceSubscription"
SOURCE_ATTEMPTS = "CloudPubSubDeadLetterSourceDeliveryCount"
SOURCE_TOPIC = "CloudPubSubDeadLetterSourceTopic"
_SOURCE_PREFIX = "CloudPubSubDeadLetter"
_ATTEMPTS = 2**16
"""A lease is numbered by its delivery and its attempt, so that a late word about an old one is told apart."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where the messages of a topic go. Times in seconds."""

    name: str
    topic: str
    max_attempts: int = 100
    minimum_backoff: float = 10.0
    maximum_backoff: float = 600.0
    ack_deadline: float = 600.0


@dataclass(frozen=True, slots=True)
class Leased:
    """One delivery, ours until the deadline. `attempt` counts from 1; `id` is for `acknowledge` and `retry`."""

    id: int
    message_id: str
    data: bytes = field(repr=False)
    attributes: Mapping[str, str]
    attempt: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A published message that is not acknowledged everywhere yet."""

    message_id: str
    topic: str
    data: bytes = field(repr=False)
    attributes: Mapping[str, str]
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """Deliveries of one subscription: due now, leased, and waiting for their next attempt."""

    ready: int = 0
    in_flight: int = 0
    waiting: int = 0


_SCHEMA = """
CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS subscriptions (
    name TEXT PRIMARY KEY,
    topic TEXT NOT NULL REFERENCES topics (name),
    max_attempts INTEGER NOT NULL,
    minimum_backoff REAL NOT NULL,
    maximum_backoff REAL NOT NULL,
    ack_deadline REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    data BLOB NOT NULL,
    attributes TEXT NOT NULL,
    published_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_of_topic ON messages (topic, id);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL,
    subscription TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    leased INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (subscription, due_at, id);
CREATE INDEX IF NOT EXISTS deliveries_of_message ON deliveries (message);
CREATE TRIGGER IF NOT EXISTS forget_delivered AFTER DELETE ON deliveries
WHEN NOT EXISTS (SELECT 1 FROM deliveries WHERE message = OLD.message)
BEGIN DELETE FROM messages WHERE id = OLD.message; END;
"""


class EmbeddedTopics:
    """Topics in `home/topics.sqlite`, at least once: what is published lies on disk before `publish` returns."""

    def __init__(self, home: Path, clock_seconds: Callable[[], float] = time.time) -> None:
        """Keep the queue under `home`; `clock_seconds` since 1970 says what is due."""
        self._database = Database(home / "topics.sqlite", _SCHEMA)
        self._seconds = clock_seconds
        self.declare_topics([DEAD_LETTERS])
        self.declare([Subscription(DEAD_LETTERS, DEAD_LETTERS)])

    def declare_topics(self, names: Iterable[str]) -> None:
        """Make topics known; those that are known already stay as they are."""
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO topics VALUES (?)", [(name,) for name in names])

    def declare(self, subscriptions: Sequence[Subscription]) -> None:
        """Create or change subscriptions. A new one gets what is published from now on.

        Raises `NotFound` when one names a topic that nobody declared.
        """
        with self._database.transaction() as connection:
            for each in subscriptions:
                _require_topic(connection, each.topic)
                connection.execute(
                    "INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        each.name,
                        each.topic,
                        each.max_attempts,
                        each.minimum_backoff,
                        each.maximum_backoff,
                        each.ack_deadline,
                    ),
                )

    def subscriptions(self) -> list[Subscription]:
        """Return every subscription, by name."""
        return [Subscription(*row) for row in self._database.rows("SELECT * FROM subscriptions ORDER BY name")]

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Publish all in one transaction.

        Raises `Refused` for a message over the limits (before anything is sent), `NotFound` for an
        unknown topic, `Unavailable` otherwise.
        """
        for message in messages:
            check_message(message)
        now = self._seconds()
        with self._database.transaction() as connection:
            _require_topic(connection, topic)
            subscribers = _names(connection, "SELECT name FROM subscriptions WHERE topic = ?", topic)
            if subscribers:
                _insert(connection, topic, messages, subscribers, now)

    def lease(self, subscription: str, limit: int) -> list[Leased]:
        """Take up to `limit` due deliveries until their ack deadline; each counts as one attempt.

        What a dead process had leased is due again after the deadline. What was let go without a word
        at its last attempt becomes a dead letter instead. Raises `NotFound` for an unknown subscription.
        """
        now = self._seconds()
        with self._database.transaction() as connection:
            settings = _settings(connection, subscription)
            rows = connection.execute(
                "SELECT d.id, d.message, m.data, m.attributes, d.attempt + 1, m.published_at"
                " FROM deliveries d JOIN messages m ON m.id = d.message"
                " WHERE d.subscription = ? AND d.due_at <= ? ORDER BY d.due_at, d.id LIMIT ?",
                (subscription, now, limit),
            ).fetchall()
            spent = [row for row in rows if row[4] > settings.max_attempts]
            for row in spent:
                _bury(connection, row[0], settings, "acknowledgement deadline passed", now)
            fresh = [row for row in rows if row[4] <= settings.max_attempts]
            connection.executemany(
                "UPDATE deliveries SET attempt = ?, leased = 1, due_at = ? WHERE id = ?",
                [(row[4], now + settings.ack_deadline, row[0]) for row in fresh],
            )
        return [_leased(row) for row in fresh]

    def acknowledge(self, ids: Iterable[int]) -> None:
        """Finish deliveries. What is acknowledged already is no error."""
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM deliveries WHERE id = ?", [(each // _ATTEMPTS,) for each in ids])

    def retry(self, lease: int, reason: str = "") -> None:
        """Deliver again after a back-off that doubles with every attempt, or bury it after the last.

        Nothing happens when the lease has passed to somebody else.
        """
        delivery, attempt = divmod(lease, _ATTEMPTS)
        now = self._seconds()
        with self._database.transaction() as connection:
            found = _names(
                connection, "SELECT subscription FROM deliveries WHERE id = ? AND attempt = ?", delivery, attempt
            )
            if not found:
                return
            settings = _settings(connection, found[0])
            if attempt >= settings.max_attempts:
                _bury(connection, delivery, settings, reason, now)
                return
            connection.execute(
                "UPDATE deliveries SET leased = 0, due_at = ? WHERE id = ?",
                (now + _backoff(settings, attempt), delivery),
            )

    def release_all(self) -> int:
        """Make everything in flight due at once, as its processes are gone; return how much that was."""
        with self._database.transaction() as connection:
            done = connection.execute(
                "UPDATE deliveries SET leased = 0, due_at = ? WHERE leased = 1", (self._seconds(),)
            )
            return done.rowcount

    def counts(self) -> dict[str, Counts]:
        """Return what lies in every subscription."""
        now = self._seconds()
        rows = self._database.rows(
            "SELECT s.name, sum(d.due_at <= ?1), sum(d.leased = 1 AND d.due_at > ?1),"
            " sum(d.leased = 0 AND d.due_at > ?1)"
            " FROM subscriptions s LEFT JOIN deliveries d ON d.subscription = s.name GROUP BY s.name ORDER BY s.name",
            (now,),
        )
        return {name: Counts(*(int(number or 0) for number in numbers)) for name, *numbers in rows}

    def due(self) -> set[str]:
        """Return the subscriptions that have something due now, without leasing anything."""
        rows = self._database.rows(
            "SELECT s.name FROM subscriptions s"
            " WHERE EXISTS (SELECT 1 FROM deliveries d WHERE d.subscription = s.name AND d.due_at <= ?)",
            (self._seconds(),),
        )
        return {name for (name,) in rows}

    def next_due(self) -> float | None:
        """Return when the next delivery or expiry is due, in the clock's seconds; dead letters never are."""
        ((soonest,),) = self._database.rows(
            "SELECT min((SELECT min(due_at) FROM deliveries WHERE subscription = s.name))"
            " FROM subscriptions s WHERE s.name <> ?",
            (DEAD_LETTERS,),
        )
        return None if soonest is None else float(soonest)

    def recent(self, topic: str, limit: int) -> list[Kept]:
        """Return the latest kept messages of a topic, oldest first."""
        rows = self._database.rows(
            "SELECT id, topic, data, attributes, published_at FROM messages WHERE topic = ? ORDER BY id DESC LIMIT ?",
            (topic, limit),
        )
        return [
            Kept(str(id_), topic, data, json.loads(attributes), _instant(at))
            for id_, topic, data, attributes, at in reversed(rows)
        ]

    def redrive(self, message_ids: Iterable[str]) -> int:
        """Put dead letters back to the subscription they died on, with all attempts; return how many.

        One whose subscription is not known stays where it is.
        """
        with self._database.transaction() as connection:
            return sum(_redrive(connection, int(each), self._seconds()) for each in message_ids)

    def discard(self, message_ids: Iterable[str]) -> int:
        """Forget dead letters for good; return how many. What is no dead letter stays."""
        with self._database.transaction() as connection:
            return sum(_discard(connection, int(each)) for each in message_ids)


def _insert(
    connection: Connection, topic: str, messages: Sequence[Message], subscribers: Sequence[str], now: float
) -> None:
    ((last,),) = connection.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'messages'")
    numbered = list(enumerate(messages, start=last + 1))
    connection.executemany(
        "INSERT INTO messages (id, topic, data, attributes, published_at) VALUES (?, ?, ?, ?, ?)",
        [(number, topic, message.data, json.dumps(dict(message.attributes)), now) for number, message in numbered],
    )
    connection.executemany(
        "INSERT INTO deliveries (message, subscription, due_at) VALUES (?, ?, ?)",
        [(number, name, now) for number, _ in numbered for name in subscribers],
    )


def _bury(connection: Connection, delivery: int, source: Subscription, reason: str, now: float) -> None:
    """Move a delivery to the dead letters, saying where it died."""
    data, attributes = connection.execute(
        "SELECT m.data, m.attributes FROM deliveries d JOIN messages m ON m.id = d.message WHERE d.id = ?", (delivery,)
    ).fetchone()
    told = {
        SOURCE_SUBSCRIPTION: source.name,
        SOURCE_TOPIC: source.topic,
        SOURCE_ATTEMPTS: str(source.max_attempts),
        f"{_SOURCE_PREFIX}Reason": reason or f"not acknowledged in {source.max_attempts} attempts",
    }
    _insert(connection, DEAD_LETTERS, [Message(data, {**json.loads(attributes), **told})], [DEAD_LETTERS], now)
    connection.execute("DELETE FROM deliveries WHERE id = ?", (delivery,))


def _redrive(connection: Connection, message: int, now: float) -> bool:
    found = connection.execute(
        "SELECT data, attributes FROM messages WHERE id = ? AND topic = ?", (message, DEAD_LETTERS)
    ).fetchone()
    attributes = json.loads(found[1]) if found else {}
    source = attributes.get(SOURCE_SUBSCRIPTION, "").rpartition("/")[2]
    target = _names(connection, "SELECT name FROM subscriptions WHERE name = ?", source)
    if not target:
        return False
    ((topic,),) = connection.execute("SELECT topic FROM subscriptions WHERE name = ?", target)
    clean = {name: value for name, value in attributes.items() if not name.startswith(_SOURCE_PREFIX)}
    _insert(connection, topic, [Message(found[0], clean)], target, now)
    connection.execute("DELETE FROM deliveries WHERE message = ?", (message,))
    return True


def _discard(connection: Connection, message: int) -> bool:
    done = connection.execute(
        "DELETE FROM deliveries WHERE message IN (SELECT id FROM messages WHERE id = ? AND topic = ?)",
        (message, DEAD_LETTERS),
    )
    return done.rowcount > 0


def _require_topic(connection: Connection, topic: str) -> None:
    if not _names(connection, "SELECT name FROM topics WHERE name = ?", topic):
        known = ", ".join(_names(connection, "SELECT name FROM topics ORDER BY name"))
        msg = f"unknown topic {topic!r}; declared are {known}"
        raise NotFound(msg)


def _settings(connection: Connection, name: str) -> Subscription:
    row = connection.execute("SELECT * FROM subscriptions WHERE name = ?", (name,)).fetchone()
    if row is None:
        msg = f"unknown subscription {name!r}"
        raise NotFound(msg)
    return Subscription(*row)


def _names(connection: Connection, statement: str, *parameters: Any) -> list[str]:  # noqa: ANN401 (SQL parameters)
    return [row[0] for row in connection.execute(statement, parameters)]


def _backoff(settings: Subscription, attempt: int) -> float:
    doubled = settings.minimum_backoff * 2.0 ** min(attempt - 1, 60)
    return min(settings.maximum_backoff, doubled)


def _leased(row: tuple[Any, ...]) -> Leased:
    delivery, message, data, attributes, attempt, published_at = row
    return Leased(
        delivery * _ATTEMPTS + attempt, str(message), data, json.loads(attributes), attempt, _instant(published_at)
    )


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
