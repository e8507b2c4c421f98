"""Events: what functions tell one another.

Every event is JSON in the message's data with `type`, `schema_version` and `event_id`. Producers only
add fields; consumers ignore the ones they do not know. The same cause always has the same
`event_id`, so that whoever stores events can keep one row per event.
"""

import hashlib
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from tombola.ports.documents import OutboundEvent
from tombola.ports.topics import Message

LIVE, BULK = "live", "bulk"
"""Lanes: what a shopper waits for, and what a file brought. Own topics, subscriptions and services."""


DEAD_LETTERS, OBJECTS = "dead-letters", "inbox-objects"
"""Topics of no event type: what no function could take, and what Cloud Storage says of new objects of the inbox."""


class Event(BaseModel):
    """Base of all events. Subclasses set `TYPE` (a past participle) and `SCHEMA_VERSION`."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_bytes="base64", val_json_bytes="base64")

    TYPE: ClassVar[str]
    SCHEMA_VERSION: ClassVar[int] = 1

    event_id: str

    def outbound(self, lane: str = LIVE) -> OutboundEvent:
        """Return this event as a message for its own topic on the given lane."""
        topic = topic_name(self.TYPE, lane)
        envelope = f'{{"type":"{self.TYPE}","schema_version":{self.SCHEMA_VERSION},'
        data = (envelope + self.model_dump_json()[1:]).encode()
        attributes = {
            "type": self.TYPE,
            "schema_version": str(self.SCHEMA_VERSION),
            "event_id": self.event_id,
            "lane": lane,
        }
        return OutboundEvent(event_id=self.event_id, topic=topic, message=Message(data, attributes))


def topic_name(type_: str, lane: str = LIVE) -> str:
    """Return the topic of an event type on a lane: `order-recorded`, `order-recorded-bulk`."""
    return type_ if lane == LIVE else f"{type_}-{lane}"


def derived_id(*parts: str | int) -> str:
    """Return an id that is the same for the same cause: 32 hex digits of SHA-256, length-prefixed."""
    digest = hashlib.sha256(b"tombola.event.v1")
    for part in parts:
        encoded = str(part).encode()
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()[:32]
