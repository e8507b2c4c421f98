"""Topics: messages published at least once, pushed to subscriptions, retried, then dead-lettered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tombola.ports.errors import Refused

MAX_DATA_BYTES = 10_000_000
"""Pub/Sub refuses a message over 10 MB."""
MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE_KEY_BYTES = 256
MAX_ATTRIBUTE_VALUE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Message:
    """What is published: opaque bytes and small text attributes."""

    data: bytes
    attributes: Mapping[str, str] = field(default_factory=dict)


class Topics(Protocol):
    """Pub/Sub, or a SQLite queue. No ordering: handlers commute."""

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Publish all; return only once every one is durably accepted.

        Raises `Refused` for a message over the limits (before anything is sent), `NotFound` for an
        unknown topic, `Unavailable` otherwise; on `Unavailable` some may have been accepted.
        """
        ...


def check_message(message: Message) -> None:
    """Refuse what Pub/Sub would refuse.

    Raises `Refused` saying what was found and the limit.
    """
    if len(message.data) > MAX_DATA_BYTES:
        msg = f"message of {len(message.data)} bytes; at most {MAX_DATA_BYTES} are allowed"
        raise Refused(msg)
    if not message.data and not message.attributes:
        msg = "message without data and attributes; expected at least one of them"
        raise Refused(msg)
    if len(message.attributes) > MAX_ATTRIBUTES:
        msg = f"{len(message.attributes)} attributes; at most {MAX_ATTRIBUTES} are allowed"
        raise Refused(msg)
    for key, value in message.attributes.items():
        if not 0 < len(key.encode()) <= MAX_ATTRIBUTE_KEY_BYTES or key.startswith("goog"):
            msg = f"attribute key {key!r}: expected 1 to {MAX_ATTRIBUTE_KEY_BYTES} bytes, not starting with 'goog'"
            raise Refused(msg)
        if len(value.encode()) > MAX_ATTRIBUTE_VALUE_BYTES:
            msg = f"attribute {key!r} has {len(value.encode())} bytes; at most {MAX_ATTRIBUTE_VALUE_BYTES} are allowed"
            raise Refused(msg)
