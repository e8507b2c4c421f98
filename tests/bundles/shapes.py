"""What the platform sends: the same event in every shape in which it may come.

Pub/Sub push: https://cloud.google.com/pubsub/docs/push. Eventarc: CloudEvents 1.0 over HTTP,
https://cloud.google.com/eventarc/docs/cloudevents. Notifications of Cloud Storage are Pub/Sub messages:
https://cloud.google.com/storage/docs/pubsub-notifications.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tombola.events import Event
from tombola.ports.objects import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tombola.ports.topics import Message

AT = "2017-06-21T23:58:59.123Z"
PLATFORM = {
    "Authorization": "Bearer eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2V4YW1wbGUuY29tIn0.SIGNATURE_REMOVED_BY_GOOGLE",
    "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
    "X-Cloud-Trace-Context": "105445aa7843bc8bf206b12000100000/1;o=1",
}
"""What stands in every request that reaches a function on Cloud Run."""


@dataclass(frozen=True)
class Request:
    """One HTTP request."""

    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = "/"


def sent(told: Request | Event | ObjectRef, prefix: str, number: int) -> Request:
    """Return what is told in the shape whose turn it is; buckets' names begin with `prefix`."""
    if isinstance(told, Event):
        return MESSAGES[number % len(MESSAGES)](told.outbound().message, number)
    if isinstance(told, ObjectRef):
        physical = ObjectRef(f"{prefix}{told.bucket}", told.name, told.generation)
        return OBJECTS[number % len(OBJECTS)](physical, number)
    return told


def push(message: Message, number: int) -> Request:
    """Return a push of Pub/Sub."""
    return Request(_wrapped(message, number), PLATFORM)


def published_binary(message: Message, number: int) -> Request:
    """Return Eventarc's `messagePublished`, its attributes in headers."""
    return _binary("google.cloud.pubsub.topic.v1.messagePublished", _wrapped(message, number), number)


def published_structured(message: Message, number: int) -> Request:
    """Return Eventarc's `messagePublished`, all of it in the body."""
    type_ = "google.cloud.pubsub.topic.v1.messagePublished"
    event = {**_attributes(type_, number), "data": json.loads(_wrapped(message, number))}
    return Request(json.dumps(event).encode(), {**PLATFORM, "Content-Type": "application/cloudevents+json"})


def notified(ref: ObjectRef, number: int) -> Request:
    """Return Cloud Storage's notification, pushed by Pub/Sub: the transport that is wired."""
    return Request(_notification(ref, number), PLATFORM)


def notified_binary(ref: ObjectRef, number: int) -> Request:
    """Return the same notification by Eventarc, as a message published."""
    return _binary("google.cloud.pubsub.topic.v1.messagePublished", _notification(ref, number), number)


def finalized_binary(ref: ObjectRef, number: int) -> Request:
    """Return Eventarc's own event of a new object."""
    return _binary("google.cloud.storage.object.v1.finalized", json.dumps(_resource(ref)).encode(), number)


MESSAGES: Sequence[Callable[[Message, int], Request]] = (push, published_binary, published_structured)
OBJECTS: Sequence[Callable[[ObjectRef, int], Request]] = (notified, notified_binary, finalized_binary)


def _wrapped(message: Message, number: int) -> bytes:
    told = {
        "data": base64.b64encode(message.data).decode(), "attributes": dict(message.attributes),
        "messageId": f"{number}", "message_id": f"{number}", "publishTime": AT, "publish_time": AT,
    }  # fmt: skip
    return json.dumps({"message": told, "subscription": "projects/p/subscriptions/s", "deliveryAttempt": 2}).encode()


def _notification(ref: ObjectRef, number: int) -> bytes:
    attributes = {
        "notificationConfig": f"projects/_/buckets/{ref.bucket}/notificationConfigs/1", "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "JSON_API_V1", "bucketId": ref.bucket, "objectId": ref.name,
        "objectGeneration": f"{ref.generation}", "eventTime": AT,
    }  # fmt: skip
    told = {
        "data": base64.b64encode(json.dumps(_resource(ref)).encode()).decode(), "attributes": attributes,
        "messageId": f"{number}", "publishTime": AT,
    }  # fmt: skip
    return json.dumps({"message": told, "subscription": "projects/p/subscriptions/s"}).encode()


def _resource(ref: ObjectRef) -> dict[str, Any]:
    return {
        "kind": "storage#object", "bucket": ref.bucket, "name": ref.name, "generation": f"{ref.generation}",
        "metageneration": "1", "contentType": "text/csv", "timeCreated": AT, "updated": AT,
    }  # fmt: skip


def _attributes(type_: str, number: int) -> dict[str, str]:
    return {"specversion": "1.0", "id": f"{number}", "source": "//pubsub.googleapis.com/x", "type": type_, "time": AT}


def _binary(type_: str, body: bytes, number: int) -> Request:
    stated = {f"ce-{name}": value for name, value in _attributes(type_, number).items()}
    return Request(body, {**PLATFORM, **stated, "Content-Type": "application/json"})
