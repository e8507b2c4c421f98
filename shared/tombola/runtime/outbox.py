"""The outbox: no event is lost between a commit and its publishing.

Events given to a commit are documents of the same commit until they are published. Publishing
happens at once; what a crash or an outage left behind, `relay` publishes later, with the same
event ids. So an event may be published twice, and never not at all.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import cast

from tombola.errors import Fault
from tombola.events import DEAD_LETTERS
from tombola.ports import Ports
from tombola.ports.documents import (
    OUTBOX_SHARDS,
    Delete,
    DocumentKey,
    Documents,
    OutboundEvent,
    Scalar,
    Snapshot,
    Value,
    Where,
    Write,
)
from tombola.ports.errors import NotFound, PortError, PreconditionFailed, Refused
from tombola.ports.topics import Message, Topics
from tombola.runtime import logs
from tombola.runtime.dead_letters import SOURCE_TOPIC, letter
from tombola.runtime.tracing.topics import TracedTopics, carrying

COLLECTION = "outbox"
RELAYED_PER_SHARD = 200
"""Most events one run relays of one shard: a run must end before its function's time does."""


class PublishingDocuments:
    """Documents whose commits publish their events at once.

    `documents` is the undecorated adapter. A failure to publish does not fail the commit, which has
    happened: the events stay in the outbox for `relay`.
    """

    def __init__(self, documents: Documents, topics: Topics) -> None:
        """Decorate an adapter that puts events into the outbox but publishes nothing."""
        self.documents = documents
        self._topics = TracedTopics(topics)

    def get(self, keys: Sequence[DocumentKey]) -> list[Snapshot | None]:
        """See `Documents.get`."""
        return self.documents.get(keys)

    def query(
        self, collection: str, where: Sequence[Where], *, order_by: str | None = None, limit: int | None = None
    ) -> Iterator[Snapshot]:
        """See `Documents.query`."""
        return self.documents.query(collection, where, order_by=order_by, limit=limit)

    def commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent] = ()) -> None:
        """Commit writes and events together, publish the events, then take them out of the outbox.

        What lies in the outbox carries the trace of this call, so that whoever relays it does not cut it off.

        Raises what `Documents.commit` raises.
        """
        self.documents.commit(writes, carrying(events))
        if events:
            self._publish(events)

    def _publish(self, events: Sequence[OutboundEvent]) -> None:
        try:
            for topic, messages in _by_topic((event.topic, event.message) for event in events).items():
                self._topics.publish(topic, messages)
            _discard(self.documents, self.documents.get([_key(event) for event in events]))
        except Exception:  # noqa: BLE001 (the work is committed: the caller must not be told otherwise)
            logs.logger().warning("events left in the outbox", exc_info=True)


def relay(ports: Ports, older_than: timedelta = timedelta(seconds=60)) -> int:
    """Publish what has lain in the outbox for longer than `older_than`; return how many events went.

    Younger ones are still in the hands of whoever committed them. Raises `Unavailable`: what was
    published until then is gone from the outbox, the rest is taken up by the next run.
    """
    before = ports.clock.now() - older_than
    return sum(_relay_shard(ports, shard, before) for shard in range(OUTBOX_SHARDS))


def _relay_shard(ports: Ports, shard: int, before: Scalar) -> int:
    where = [Where("shard", "==", shard), Where("created_at", "<", before)]
    found = list(ports.documents.query(COLLECTION, where, order_by="created_at", limit=RELAYED_PER_SHARD))
    for topic, messages in _by_topic(_outbound(snapshot) for snapshot in found).items():
        _publish_or_bury(ports.topics, topic, messages)
    _discard(ports.documents, found)
    return len(found)


def _publish_or_bury(topics: Topics, topic: str, messages: Sequence[Message]) -> None:
    """Publish; one by one if need be, so that a message no topic takes does not hold up the others for ever."""
    try:
        topics.publish(topic, messages)
    except (NotFound, Refused):
        for message in messages:
            _publish_or_bury_one(topics, topic, message)


def _publish_or_bury_one(topics: Topics, topic: str, message: Message) -> None:
    try:
        topics.publish(topic, [message])
    except (NotFound, Refused) as error:
        fault = Fault(f"cannot be published: {type(error).__name__}", code="unpublishable")
        topics.publish(DEAD_LETTERS, [letter(fault, message.data, message.attributes, {SOURCE_TOPIC: topic})])


def _discard(documents: Documents, snapshots: Sequence[Snapshot | None]) -> None:
    """Delete published events; whoever deleted one first was right too."""
    deletes = [Delete(snapshot.key, snapshot.version) for snapshot in snapshots if snapshot is not None]
    try:
        documents.commit(deletes)
    except PreconditionFailed:
        for delete in deletes:
            try:
                documents.commit([delete])
            except PreconditionFailed:
                continue
            except PortError:
                logs.logger().warning("published event left in the outbox", exc_info=True)


def _key(event: OutboundEvent) -> DocumentKey:
    return DocumentKey(COLLECTION, (event.event_id,))


def _outbound(snapshot: Snapshot) -> tuple[str, Message]:
    fields = snapshot.fields
    attributes = cast("Mapping[str, Value]", fields["attributes"])
    message = Message(cast("bytes", fields["data"]), {name: str(value) for name, value in attributes.items()})
    return str(fields["topic"]), message


def _by_topic(pairs: Iterable[tuple[str, Message]]) -> dict[str, list[Message]]:
    grouped: dict[str, list[Message]] = defaultdict(list)
    for topic, message in pairs:
        grouped[topic].append(message)
    return grouped
