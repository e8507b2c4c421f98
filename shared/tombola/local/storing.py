"""Storing: what a BigQuery subscription does in the cloud, appending every message of a stored topic to its table."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from tombola.errors import Malformed, Problem
from tombola.local.queue import Leased, Queue
from tombola.ports.topics import Message, Topics
from tombola.ports.warehouse import Warehouse
from tombola.runtime.dead_letters import SOURCE_SUBSCRIPTION, letter
from tombola.runtime.logs import logger
from tombola.runtime.topology import DEAD_LETTERS

LARGEST_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Storing:
    """Moves messages from subscriptions into tables. `tables`: table by subscription."""

    queue: Queue
    topics: Topics
    warehouse: Warehouse
    tables: Mapping[str, str]

    def store(self) -> int:
        """Store what waits, at most one batch per subscription, and return how many messages that were.

        Append, then acknowledge: a crash in between appends the same messages again, and readers keep
        one row per event. The batch is named by its messages, so most often not even that happens.
        """
        due = self.queue.due()
        return sum(self._store(name, table) for name, table in self.tables.items() if name in due)

    def _store(self, subscription: str, table: str) -> int:
        leased = self.queue.lease(subscription, LARGEST_BATCH)
        if not leased:
            return 0
        read = [(delivery, row_of(delivery)) for delivery in leased]
        rows = [row for _, row in read if row is not None]
        unreadable = [delivery for delivery, row in read if row is None]
        if rows:
            self.warehouse.append(table, batch_id(leased), rows)
        if unreadable:
            logger().warning("messages not stored", table=table, count=len(unreadable))
            self.topics.publish(DEAD_LETTERS, [dead_letter(delivery, subscription) for delivery in unreadable])
        self.queue.acknowledge([delivery.id for delivery in leased])
        return len(leased)


def row_of(delivery: Leased) -> dict[str, object] | None:
    """Return the row of a message, or None when its data is no text or it does not name its event."""
    try:
        body = delivery.data.decode()
    except UnicodeDecodeError:
        return None
    event_id, kind = delivery.attributes.get("event_id"), delivery.attributes.get("type")
    if not event_id or not kind:
        return None
    return {"event_id": event_id, "published_at": delivery.published_at.astimezone(UTC), "type": kind, "body": body}


def batch_id(leased: Sequence[Leased]) -> str:
    """Return the same id for the same messages in any order."""
    digest = hashlib.sha256("\n".join(sorted(delivery.message_id for delivery in leased)).encode())
    return digest.hexdigest()[:32]


def dead_letter(delivery: Leased, subscription: str) -> Message:
    """Return the message that says why it could not be stored."""
    problems = [
        Problem("data", "bytes that are no text", "UTF-8 text"),
        Problem("attributes", "not both", "event_id and type"),
    ]
    source = {SOURCE_SUBSCRIPTION: subscription, "function": "storing", "message_id": delivery.message_id}
    return letter(Malformed("not an event", problems, code="not-an-event"), delivery.data, delivery.attributes, source)
