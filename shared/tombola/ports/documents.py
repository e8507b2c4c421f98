"""Documents: small typed records with atomic commits, as weak as Firestore on purpose.

A commit checks the precondition of every document it writes, and nothing else: what was merely
read may have changed meanwhile. Every write therefore carries its precondition, and there is no
way to state one on a document that the commit does not write.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tombola.ports.topics import Message, check_message

MAX_DOCUMENT_BYTES = 512 * 1024
MAX_COMMIT_WRITES = 200
MAX_COMMIT_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 20
MAX_NAME_BYTES = 1500
MAX_INDEXED_BYTES = 1500
"""Firestore cuts what is longer off in its indexes: a query would miss it, or find another."""
KEY_FIELD = "key"
"""Where adapters keep a key's parts, so no document may have a field of that name."""
OUTBOX_SHARDS = 16
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

Scalar = int | str | bool | bytes | datetime | None
"""Integers are int64; instants are aware UTC with microseconds."""
Value = Scalar | Sequence[Scalar] | Mapping[str, "Value"]
"""Lists are flat: they hold scalars only. Maps nest."""
Fields = Mapping[str, Value]


@dataclass(frozen=True, slots=True, order=True)
class DocumentKey:
    """A typed key. Parts are kept in the document's field `key`; the id is their digest."""

    collection: str
    parts: tuple[str, ...]

    @property
    def id(self) -> str:
        """base32(SHA-256) of the length-prefixed collection and parts: 52 characters, spread evenly."""
        digest = hashlib.sha256()
        for part in (self.collection, *self.parts):
            encoded = part.encode()
            digest.update(len(encoded).to_bytes(8, "big"))
            digest.update(encoded)
        return base64.b32encode(digest.digest()).decode().rstrip("=").lower()


@dataclass(frozen=True, slots=True)
class Collection:
    """What is declared of a collection, once, for every adapter and for Terraform.

    `indexed` fields can be queried by equality and range; `composite` are the field tuples of
    queries over several fields (the last may be a range or an order); `expires` is a TTL field: a document
    whose instant is over may be gone at any time, or may still be there.
    What they come to as indexes of Firestore, `tombola.ports.indexes` says.
    """

    indexed: tuple[str, ...] = ()
    composite: tuple[tuple[str, ...], ...] = ()
    expires: str | None = None

    @property
    def queried(self) -> tuple[str, ...]:
        """Every field that a query may name."""
        return tuple(dict.fromkeys((*self.indexed, *(name for names in self.composite for name in names))))


COLLECTIONS: Mapping[str, Collection] = {
    "orders": Collection(),
    "contributions": Collection(indexed=("shopper",), composite=(("shopper", "ordered_at"),)),
    "profiles": Collection(),
    "list_members": Collection(indexed=("list", "shopper")),
    "catalogue": Collection(),
    "publications": Collection(),
    "campaigns": Collection(indexed=("status",)),
    "entries": Collection(indexed=("campaign", "order", "shopper")),
    "plays": Collection(indexed=("campaign", "shard"), composite=(("shard", "state_at"), ("shard", "due_at"))),
    "limits": Collection(indexed=("campaign",)),
    "slots": Collection(indexed=("campaign",)),
    "claims": Collection(indexed=("campaign",)),
    "balances": Collection(indexed=("campaign",)),
    "stocks": Collection(indexed=("campaign",)),
    "postings": Collection(indexed=("campaign",)),
    "payments": Collection(indexed=("campaign",)),
    "seals": Collection(indexed=("campaign",)),
    "idempotency": Collection(expires="expires"),
    "outbox": Collection(indexed=("shard",), composite=(("shard", "created_at"),)),
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A document as read. `version` is opaque: hand it back in `Replace` or `Delete`."""

    key: DocumentKey
    fields: Mapping[str, Value]
    version: object


@dataclass(frozen=True, slots=True)
class Create:
    """Write a document that must not exist."""

    key: DocumentKey
    fields: Fields


@dataclass(frozen=True, slots=True)
class Replace:
    """Write the whole document over the version that was read, which must still be the live one."""

    key: DocumentKey
    fields: Fields
    version: object


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the version that was read, which must still be the live one."""

    key: DocumentKey
    version: object


Write = Create | Replace | Delete


@dataclass(frozen=True, slots=True)
class OutboundEvent:
    """A message to publish once the commit has happened, kept in the outbox until it is."""

    event_id: str
    topic: str
    message: Message = field(repr=False)


@dataclass(frozen=True, slots=True)
class Where:
    """One condition of a query. `operator` is one of `==`, `<`, `<=`, `>`, `>=`."""

    field: str
    operator: str
    value: Scalar


class Documents(Protocol):
    """Firestore in native mode, or SQLite."""

    def get(self, keys: Sequence[DocumentKey]) -> list[Snapshot | None]:
        """Return one snapshot or None per key, in order. Reads are not isolated from one another."""
        ...

    def query(
        self, collection: str, where: Sequence[Where], *, order_by: str | None = None, limit: int | None = None
    ) -> Iterator[Snapshot]:
        """Yield the documents that match, by `order_by` (if not given, by the field of a range) and then id.

        Raises `Refused` when the query needs an index that `COLLECTIONS` does not declare.
        """
        ...

    def commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent] = ()) -> None:
        """Apply all writes or none, and put the events into the outbox in the same commit.

        Raises `PreconditionFailed` when any precondition does not hold, `Refused` when a limit of this
        module is passed or a document is written twice. With no write and no event it does nothing.
        """
        ...


def created_or_replaced(snapshot: Snapshot | None, key: DocumentKey, fields: Fields) -> Create | Replace:
    """Return the write that puts `fields` where `snapshot` was read: `Create` if there was none."""
    return Create(key, fields) if snapshot is None else Replace(key, fields, snapshot.version)


def outbox_writes(events: Sequence[OutboundEvent], created_at: datetime) -> list[Create]:
    """Return what puts events into the outbox, one document per event id.

    An event that lies there already is no conflict: the same id is the same event, and an adapter may leave its
    document or write it again. Raises `Refused` for a message that no topic would take.
    """
    for event in events:
        check_message(event.message)
    return [
        Create(DocumentKey("outbox", (event_id,)), outbox_fields(event, created_at))
        for event_id, event in {event.event_id: event for event in events}.items()
    ]


def outbox_fields(event: OutboundEvent, created_at: datetime) -> dict[str, Value]:
    """Return an event as its document in the outbox. `shard` spreads an index that grows with time."""
    return {
        "topic": event.topic,
        "data": event.message.data,
        "attributes": dict(event.message.attributes),
        "created_at": created_at,
        "shard": hashlib.sha256(event.event_id.encode()).digest()[0] % OUTBOX_SHARDS,
    }
