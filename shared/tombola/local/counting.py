"""Counting: ports that note what is asked of them, and by which function."""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

import structlog

from tombola.costs.operations import (
    DocumentOperations,
    FunctionOperations,
    Happened,
    MessageOperations,
    ObjectOperations,
    Operations,
)
from tombola.local.console import LOG_FILE
from tombola.ports import Ports
from tombola.ports.document_limits import size_of
from tombola.ports.documents import Delete, DocumentKey, Documents, OutboundEvent, Snapshot, Where, Write
from tombola.ports.objects import ObjectInfo, ObjectRef, Objects, ObjectWriter
from tombola.ports.topics import Message, Topics
from tombola.runtime.outbox import PublishingDocuments

OPERATIONS = "operations.json"
SOURCE = "tombola demo"
Of = tuple[str, str, str]
"""What was counted: its port, its collection, topic or bucket, and what was done to it."""


@dataclass
class Counts:
    """Counts by function. Safe under threads. What no function asked for is not counted."""

    _of: defaultdict[str, Counter[Of]] = field(default_factory=lambda: defaultdict(Counter))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, port: str, name: str, *, trips: int = 1, **done: int) -> None:
        """Count for the function that is being served in this thread. A trip waits for an answer."""
        function = structlog.contextvars.get_contextvars().get("function")
        if function is None:
            return
        with self._lock:
            counter = self._of[function]
            counter["", "", "trips"] += trips
            for what, number in done.items():
                counter[port, name, what] += number

    def of_functions(self, served: Mapping[str, tuple[int, float]]) -> dict[str, FunctionOperations]:
        """Return the counts of every function served: how often, and in how many seconds."""
        with self._lock:
            return {name: _function(self._of[name], *served[name]) for name in sorted(served)}


def _function(counter: Counter[Of], calls: int, seconds: float) -> FunctionOperations:
    def of(port: str) -> dict[str, dict[str, int]]:
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for (of_port, name, what), number in sorted(counter.items()):
            if of_port == port and name:
                found[name][what] = number
        return found

    return FunctionOperations(
        calls=calls,
        seconds=round(seconds, 3),
        trips=counter["", "", "trips"],
        documents={name: DocumentOperations.model_validate(done) for name, done in of("documents").items()},
        messages={name: MessageOperations.model_validate(done) for name, done in of("topics").items()},
        objects={name: ObjectOperations.model_validate(done) for name, done in of("objects").items()},
    )


def served(log: Path) -> dict[str, tuple[int, float]]:
    """Return how often each function was called, and for how many seconds in all, from the functions' log."""
    found: dict[str, tuple[int, float]] = {}
    for text in log.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        if line.get("message") == "request":
            calls, seconds = found.get(line["function"], (0, 0.0))
            found[line["function"]] = calls + 1, seconds + line["duration_ms"] / 1000
    return found


def counted(ports: Ports, counts: Counts) -> Ports:
    """Return the same ports, noting documents, topics and objects in `counts`."""
    topics = _Topics(ports.topics, counts)
    inner = cast("PublishingDocuments", ports.documents).documents
    documents = PublishingDocuments(_Documents(inner, counts), topics)
    return replace(ports, documents=documents, topics=topics, objects=_Objects(ports.objects, counts))


@dataclass(frozen=True, slots=True)
class _Documents:
    """Firestore bills a document per key asked for, found or not, and at least one per query."""

    inner: Documents
    counts: Counts

    def get(self, keys: Sequence[DocumentKey]) -> list[Snapshot | None]:
        found = self.inner.get(keys)
        by_collection = Counter(key.collection for key in keys)
        for number, (collection, read) in enumerate(by_collection.items()):
            self.counts.add("documents", collection, trips=number == 0, read=read)
        return found

    def query(
        self, collection: str, where: Sequence[Where], *, order_by: str | None = None, limit: int | None = None
    ) -> Iterator[Snapshot]:
        found = list(self.inner.query(collection, where, order_by=order_by, limit=limit))
        self.counts.add("documents", collection, read=max(len(found), 1))
        return iter(found)

    def commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent] = ()) -> None:
        self.inner.commit(writes, events)
        self.counts.add("documents", "", trips=1)
        for write in writes:
            if isinstance(write, Delete):
                self.counts.add("documents", write.key.collection, trips=0, deleted=1)
            else:
                size = size_of(write.fields)
                self.counts.add("documents", write.key.collection, trips=0, written=1, bytes=size)
        for event in events:
            self.counts.add("documents", "outbox", trips=0, written=1, bytes=_size(event.message))


def _size(message: Message) -> int:
    return len(message.data) + sum(len(name) + len(value) for name, value in message.attributes.items())


@dataclass(frozen=True, slots=True)
class _Topics:
    inner: Topics
    counts: Counts

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        self.inner.publish(topic, messages)
        self.counts.add("topics", topic, published=len(messages), bytes=sum(map(_size, messages)))


@dataclass(frozen=True, slots=True)
class _Objects:
    inner: Objects
    counts: Counts

    def stat(self, bucket: str, name: str) -> ObjectInfo:
        self.counts.add("objects", bucket, read=1)
        return self.inner.stat(bucket, name)

    def open(self, ref: ObjectRef) -> BinaryIO:
        size = self.inner.stat(ref.bucket, ref.name).size
        self.counts.add("objects", ref.bucket, read=1, bytes_read=size)
        return self.inner.open(ref)

    @contextmanager
    def create(self, bucket: str, name: str) -> Iterator[ObjectWriter]:
        with self.inner.create(bucket, name) as writer:
            yield writer
        size = self.inner.stat(bucket, name).size
        self.counts.add("objects", bucket, written=1, bytes_written=size)

    def replace(self, bucket: str, name: str, data: bytes, *, if_generation: int | None = None) -> ObjectRef:
        made = self.inner.replace(bucket, name, data, if_generation=if_generation)
        self.counts.add("objects", bucket, written=1, bytes_written=len(data))
        return made

    def delete(self, ref: ObjectRef) -> None:
        self.inner.delete(ref)

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        self.counts.add("objects", bucket, listed=1)
        return self.inner.list(bucket, prefix)


def keep_operations(home: Path, ports: Ports, counts: Counts) -> None:
    """Write what a whole run took into the home, for `tombola cost`."""
    rows: Counter[str] = Counter()
    files = 0
    for info in ports.objects.list("receipts"):
        if info.ref.name.endswith("/receipt.json"):
            with ports.objects.open(info.ref) as stream:
                receipt = json.load(stream)
            rows[receipt["feed"]] += receipt["rows"]
            files += 1
    functions = counts.of_functions(served(home / LOG_FILE))
    orders = functions["record_order"].documents["orders"].written if "record_order" in functions else 0
    operations = Operations(
        counted_on=datetime.now(UTC).date(),
        source=SOURCE,
        happened=Happened(orders=orders, rows=dict(sorted(rows.items())), files=files),
        functions=functions,
    )
    (home / OPERATIONS).write_text(operations.model_dump_json(indent=1) + "\n", encoding="utf-8")
