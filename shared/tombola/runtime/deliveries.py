"""What a handler of events is given: one delivery of a message, one notice of an object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

FINALIZE = "OBJECT_FINALIZE"
"""Cloud Storage's word for a new generation."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver one message.

    `subscription` is its short name, empty when the platform does not say; `attempt` counts from 1
    and stays 1 when the platform does not count; `data` is the message's own bytes.
    """

    message_id: str
    subscription: str
    attempt: int
    publish_time: datetime | None
    attributes: Mapping[str, str]
    lane: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ObjectNotice:
    """An object has got a new generation. `bucket` is the bucket's logical name; `event_type` is Cloud Storage's."""

    bucket: str
    name: str
    generation: int
    event_type: str = FINALIZE
