"""Decode whatever the platform sends into one `Delivery`.

Shapes: a Pub/Sub push (https://cloud.google.com/pubsub/docs/push), CloudEvents 1.0 in binary and in
structured mode of Pub/Sub (`google.cloud.pubsub.topic.v1.messagePublished`) and of Cloud Storage
(`google.cloud.storage.object.v1.*`), and Cloud Storage's own notifications, which are Pub/Sub messages
(https://cloud.google.com/storage/docs/pubsub-notifications).
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Annotated

from pydantic import AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tombola.errors import Malformed, Problem
from tombola.events import BULK, LIVE
from tombola.problems import problems_of
from tombola.runtime.deliveries import FINALIZE, Delivery, ObjectNotice

PUBSUB = "google.cloud.pubsub.topic.v1.messagePublished"
STORAGE = "google.cloud.storage.object.v1."
_STORAGE_EVENTS = {
    "finalized": FINALIZE,
    "deleted": "OBJECT_DELETE",
    "archived": "OBJECT_ARCHIVE",
    "metadataUpdated": "OBJECT_METADATA_UPDATE",
}


class _Shape(BaseModel):
    """What the platform sends, as far as it matters; made ready at its first use, since most functions need one."""

    model_config = ConfigDict(defer_build=True)


class _Message(_Shape):
    data: str = ""
    attributes: dict[str, str] | None = None
    message_id: str = Field(default="", validation_alias=AliasChoices("messageId", "message_id"))
    publish_time: AwareDatetime | None = Field(
        default=None, validation_alias=AliasChoices("publishTime", "publish_time")
    )


class _Push(_Shape):
    message: _Message
    subscription: str = ""
    attempt: Annotated[int, Field(ge=0)] | None = Field(default=None, validation_alias="deliveryAttempt")


class _Object(_Shape):
    bucket: str
    name: str
    generation: int


class _CloudEvent(_Shape):
    id: str
    type: str
    time: AwareDatetime | None = None
    data: object = None
    data_base64: str | None = None


class _Attributes(_Shape):
    bucket: str = Field(validation_alias="bucketId")
    name: str = Field(validation_alias="objectId")
    generation: Annotated[int, Field(ge=0)] = Field(validation_alias="objectGeneration")
    event_type: str = Field(validation_alias="eventType")


_PUSH, _EVENT, _OBJECT = TypeAdapter(_Push), TypeAdapter(_CloudEvent), TypeAdapter(_Object)


def decode(headers: Mapping[str, str], body: bytes) -> Delivery:
    """Return the delivery that a request carries; header names in lower case.

    Raises `Malformed` (`malformed-envelope`) when the request has none of the known shapes.
    """
    try:
        if headers.get("content-type", "").lower().startswith("application/cloudevents+json"):
            event = _EVENT.validate_json(body)
            data = base64.b64decode(event.data_base64, validate=True) if event.data_base64 else _json(event.data)
            return _of_cloud_event(event, data)
        if "ce-type" in headers:
            event = _EVENT.validate_python(
                {name: headers[f"ce-{name}"] for name in ("id", "type", "time") if f"ce-{name}" in headers}
            )
            return _of_cloud_event(event, body)
        return _of_push(_PUSH.validate_json(body))
    except ValidationError as error:
        raise _unreadable(problems_of(error)) from None
    except binascii.Error:
        raise _unreadable([Problem("data", "text that is not base64", "standard base64 with padding")]) from None


def notice_of(delivery: Delivery) -> ObjectNotice | None:
    """Return what a Cloud Storage notification says; None when it is not about a new generation.

    The bucket is as the platform names it. Raises `Malformed` (`malformed-notice`).
    """
    try:
        said = _Attributes.model_validate(delivery.attributes)
    except ValidationError as error:
        msg = "the message is not a Cloud Storage notification"
        raise Malformed(msg, problems_of(error, _Attributes), code="malformed-notice") from None
    if said.event_type != FINALIZE:
        return None
    return ObjectNotice(said.bucket, said.name, said.generation, said.event_type)


def _of_push(push: _Push) -> Delivery:
    attributes = push.message.attributes or {}
    subscription = push.subscription.rpartition("/")[2]
    return Delivery(
        message_id=push.message.message_id,
        subscription=subscription,
        attempt=push.attempt or 1,
        publish_time=push.message.publish_time,
        attributes=attributes,
        lane=_lane(attributes, subscription),
        data=base64.b64decode(push.message.data, validate=True),
    )


def _of_cloud_event(event: _CloudEvent, data: bytes) -> Delivery:
    if event.type == PUBSUB:
        return _of_push(_PUSH.validate_json(data))
    if event.type.startswith(STORAGE):
        return _of_storage(event, data)
    expected = f"{PUBSUB} or {STORAGE}*"
    raise _unreadable([Problem("type", repr(event.type[:80]), expected)])


def _of_storage(event: _CloudEvent, data: bytes) -> Delivery:
    """Return the delivery that the bucket's own notification would have been."""
    said = _OBJECT.validate_json(data)
    kind = event.type.removeprefix(STORAGE)
    attributes = {
        "bucketId": said.bucket,
        "objectId": said.name,
        "objectGeneration": str(said.generation),
        "eventType": _STORAGE_EVENTS.get(kind, kind),
    }
    return Delivery(event.id, "", 1, event.time, attributes, LIVE, data)


def _lane(attributes: Mapping[str, str], subscription: str) -> str:
    """Return the lane the sender wrote down, else the one of the subscription."""
    stated = attributes.get("lane", "")
    if stated in {LIVE, BULK}:
        return stated
    return BULK if subscription.endswith(f"-{BULK}") else LIVE


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _unreadable(problems: list[Problem]) -> Malformed:
    msg = "the request is neither a Pub/Sub push nor a CloudEvent of Pub/Sub or Cloud Storage"
    return Malformed(msg, problems, code="malformed-envelope")
