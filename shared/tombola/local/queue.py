"""The pull side of the topics on this machine: what the embedded adapter offers beyond the port."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from tombola.errors import Fault
from tombola.ports import Ports
from tombola.runtime.tracing.topics import TracedTopics

_encode = json.JSONEncoder(separators=(",", ":")).encode


class Leased(Protocol):
    """One delivery of one message to one subscription, ours until its deadline. `published_at` is aware, UTC."""

    @property
    def id(self) -> int:
        """Name this delivery to `acknowledge` and `retry`."""
        ...

    @property
    def message_id(self) -> str:
        """Name the message, the same for every delivery."""
        ...

    @property
    def data(self) -> bytes:
        """What was published."""
        ...

    @property
    def attributes(self) -> Mapping[str, str]:
        """What was published beside the data."""
        ...

    @property
    def attempt(self) -> int:
        """Count deliveries, from 1."""
        ...

    @property
    def published_at(self) -> datetime:
        """Tell when it was published."""
        ...


class Kept(Protocol):
    """A published message that is not acknowledged everywhere yet."""

    @property
    def message_id(self) -> str:
        """Name it to `redrive` and `discard`."""
        ...

    @property
    def data(self) -> bytes:
        """What was published."""
        ...

    @property
    def attributes(self) -> Mapping[str, str]:
        """What was published beside the data."""
        ...

    @property
    def published_at(self) -> datetime:
        """Tell when it was published."""
        ...


class Counts(Protocol):
    """Deliveries of one subscription."""

    @property
    def ready(self) -> int:
        """Due now."""
        ...

    @property
    def in_flight(self) -> int:
        """Leased."""
        ...

    @property
    def waiting(self) -> int:
        """Waiting for their next attempt."""
        ...


@runtime_checkable
class Queue(Protocol):
    """Leases, acknowledgements and retries, safe under threads and processes."""

    def lease(self, subscription: str, limit: int) -> Sequence[Leased]:
        """Take up to `limit` due deliveries."""
        ...

    def acknowledge(self, ids: Sequence[int], /) -> None:
        """Forget these deliveries."""
        ...

    def retry(self, lease: int, reason: str = "", /) -> None:
        """Let this delivery come back after its back-off, or die at its last attempt."""
        ...

    def release_all(self) -> int:
        """Make everything in flight due at once."""
        ...

    def counts(self) -> Mapping[str, Counts]:
        """Return what lies in every subscription, the dead letters' included."""
        ...

    def recent(self, topic: str, limit: int) -> Sequence[Kept]:
        """Return the latest messages of a topic that are kept, oldest first."""
        ...

    def redrive(self, message_ids: Sequence[str], /) -> int:
        """Put dead letters back to the subscriptions they died on; return how many."""
        ...

    def discard(self, message_ids: Sequence[str], /) -> int:
        """Forget dead letters for good; return how many."""
        ...

    def due(self) -> set[str]:
        """Return the subscriptions that have something due now."""
        ...

    def next_due(self) -> float | None:
        """Return when (seconds since 1970) the next delivery is due, or None when none waits."""
        ...


def queue_of(ports: Ports) -> Queue:
    """Return the pull side of the topics in use. Raises `Fault` where messages are not queued on this machine."""
    topics: object = ports.topics.topics if isinstance(ports.topics, TracedTopics) else ports.topics
    if not isinstance(topics, Queue):
        msg = f"{type(topics).__name__} is delivered elsewhere; the local runner needs the embedded adapters"
        raise Fault(msg, code="no-local-queue")
    return topics


def push_body(delivery: Leased, subscription: str) -> bytes:
    """Return the body of a Pub/Sub push: https://cloud.google.com/pubsub/docs/push#receive_push."""
    published = delivery.published_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    message = {
        "data": base64.b64encode(delivery.data).decode(),
        "messageId": delivery.message_id,
        "publishTime": published,
        "attributes": dict(delivery.attributes),
    }
    push = {
        "message": message,
        "subscription": f"projects/local/subscriptions/{subscription}",
        "deliveryAttempt": delivery.attempt,
    }
    return _encode(push).encode()
