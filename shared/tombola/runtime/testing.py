"""Testing helpers: a function under test, called as the platform calls it, over real adapters in a temporary folder.

Nothing is patched or mocked: the documents are documents, the clock is set by hand, and every topic keeps what was
published to it.
"""

import base64
import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from flask import Request, Response
from werkzeug.test import Client, TestResponse

from tombola.adapters.embedded.clock import ReplayClock
from tombola.adapters.embedded.documents import EmbeddedDocuments
from tombola.adapters.embedded.keys import EmbeddedKeys
from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.adapters.embedded.topics import EmbeddedTopics, Subscription
from tombola.adapters.embedded.warehouse import EmbeddedWarehouse
from tombola.errors import Problem, Unknown
from tombola.events import LIVE, Event
from tombola.ports import Ports
from tombola.ports.memo import Memo
from tombola.ports.objects import ObjectRef
from tombola.ports.topics import Message
from tombola.runtime import topology, wiring
from tombola.runtime.deliveries import FINALIZE
from tombola.runtime.manifests import functions_folder
from tombola.runtime.outbox import PublishingDocuments
from tombola.runtime.tracing.topics import TracedTopics

START = datetime(2017, 6, 15, 12, 0, tzinfo=UTC)
"""Noon of a summer's day."""
ALL = 1_000_000


def fake_clock(start: datetime = START) -> ReplayClock:
    """Return a clock that stands still until it is moved: `set(instant)`, `advance(duration)`."""
    return ReplayClock(start)


def recorded_ports(home: Path, clock: ReplayClock) -> Ports:
    """Return the embedded adapters in an empty home, all by one clock; every topic keeps what is published to it."""
    from tombola.feeds.tables import KEYS, TABLES  # noqa: PLC0415 (brings in every contract, and polars with them)

    objects = EmbeddedObjects(home)
    topics = EmbeddedTopics(home, lambda: clock.now().timestamp())
    topics.declare_topics(topology.topics())
    topics.declare([Subscription(f"test-{topic}", topic) for topic in topology.topics()])
    return Ports(
        objects=objects,
        topics=topics,
        documents=PublishingDocuments(EmbeddedDocuments(home, clock), topics),
        warehouse=EmbeddedWarehouse(home, objects, tables=TABLES, keys=KEYS),
        keys=EmbeddedKeys(home),
        clock=clock,
        memo=Memo(lambda: clock.now().timestamp()),
    )


@contextmanager
def using(ports: Ports) -> Iterator[Ports]:
    """Make these the ports of this process's functions, until the end of the block."""
    wiring.install(ports)
    try:
        yield ports
    finally:
        wiring.install(None)


def published(ports: Ports, topic: str) -> list[dict[str, Any]]:
    """Return every event published to a topic (`order-recorded`, `order-recorded-bulk`), decoded, the oldest first."""
    return [json.loads(message.data) for message in recorded(ports, topic)]


def recorded(ports: Ports, topic: str) -> list[Message]:
    """Return every message published to a topic (`dead-letters` is one), as it is, the oldest first."""
    topics = ports.topics.topics if isinstance(ports.topics, TracedTopics) else ports.topics
    return [Message(kept.data, kept.attributes) for kept in cast("EmbeddedTopics", topics).recent(topic, ALL)]


def sample_events(folder: str | Path) -> dict[str, bytes]:
    """Return the sample events of a function, by file name, as the platform sends them.

    `folder` is the function's folder, or its name in this checkout. Raises `Unknown` when there are none.
    """
    place = folder if isinstance(folder, Path) else functions_folder() / folder
    found = {path.name: path.read_bytes() for path in sorted((place / "events").glob("*.json"))}
    if not found:
        msg = f"{place.name} has no sample events"
        raise Unknown(msg, [Problem(f"{place.name}/events", "nothing", "at least one *.json")])
    return found


def function_in(folder: Path) -> Callable[[Request], Response]:
    """Return the function of a folder: what its `main.py` defines under the folder's name."""
    spec = importlib.util.spec_from_file_location(f"functions.{folder.name}", folder / "main.py")
    if spec is None or spec.loader is None:
        raise ImportError(folder.name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("Callable[[Request], Response]", getattr(module, folder.name))


def call(
    function: Callable[[Request], Response],
    sent: Event | ObjectRef | Mapping[str, object] | bytes = b"",
    *,
    method: str = "POST",
    path: str = "/",
    headers: Mapping[str, str] | None = None,
) -> TestResponse:
    """Call a function over HTTP, without a socket, and return its answer: `status_code`, `json`, `headers`, `data`.

    An event is sent as Pub/Sub pushes it, an object as Cloud Storage's notification of it, a map as JSON, bytes as
    they are.
    """
    stated = {"Content-Type": "application/json", **(headers or {})}
    client = Client(lambda environ, start: function(Request(environ))(environ, start))
    return client.open(path, method=method, data=body_of(sent), headers=stated)


def body_of(
    sent: Event | ObjectRef | Mapping[str, object] | bytes, lane: str = LIVE, *, subscription: str = "test"
) -> bytes:
    """Return what the platform would send of it."""
    match sent:
        case Event():
            return push(sent.outbound(lane).message, subscription=subscription)
        case ObjectRef():
            return push(_notification(sent), subscription=subscription)
        case bytes():
            return sent
    return json.dumps(sent).encode()


def push(message: Message, *, attempt: int = 1, subscription: str = "test") -> bytes:
    """Return a message as Pub/Sub pushes it, `attempt` counts from 1."""
    pushed = {
        "data": base64.b64encode(message.data).decode(),
        "attributes": dict(message.attributes),
        "messageId": "1",
        "publishTime": START.isoformat(),
    }
    return json.dumps(
        {"message": pushed, "subscription": f"projects/test/subscriptions/{subscription}", "deliveryAttempt": attempt}
    ).encode()  # fmt: skip


def _notification(ref: ObjectRef) -> Message:
    attributes = {
        "eventType": FINALIZE,
        "bucketId": ref.bucket,
        "objectId": ref.name,
        "objectGeneration": str(ref.generation),
    }
    return Message(b"{}", attributes)
