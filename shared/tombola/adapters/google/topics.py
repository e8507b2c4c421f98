"""Topics on Pub/Sub: its REST interface. A call of the port is a batch already, so nothing waits for more to come."""

import base64
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from tombola.adapters.google.http import Api
from tombola.ports.errors import NotFound, Unavailable
from tombola.ports.topics import Message, check_message

PUBSUB = Api("https://pubsub.googleapis.com", "PUBSUB_EMULATOR_HOST")
MAX_MESSAGES = 1_000
"""Of one request: https://cloud.google.com/pubsub/quotas#resource_limits."""
MAX_BYTES = 7_000_000
"""Of one request's data, which is a third longer on its way: 10 MB is the limit, whichever of the two it counts."""
IN_FLIGHT = 4
"""Requests under way at once, so that many messages need not wait for each other and still fit into memory."""


class GoogleTopics:
    """The topics of one project, by the names of the port. No ordering keys: handlers commute."""

    def __init__(self, project: str) -> None:
        """Name the project; nothing is asked of Pub/Sub yet."""
        self._project = project

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Publish all; return only once every one is durably accepted.

        Raises `Refused` for a message over the limits (before anything is sent), `NotFound` for an unknown topic,
        `Unavailable` otherwise; on `Unavailable` some may have been accepted.
        """
        for message in messages:
            check_message(message)
        batches = list(_batches(messages))
        if len(batches) == 1:
            self._send(topic, batches[0])
        elif batches:
            with ThreadPoolExecutor(IN_FLIGHT) as sending:
                list(sending.map(lambda batch: self._send(topic, batch), batches))

    def _send(self, topic: str, batch: Sequence[Message]) -> None:
        path = f"/v1/projects/{self._project}/topics/{topic}:publish"
        body = json.dumps({"messages": [_as_sent(message) for message in batch]})
        try:
            answer = PUBSUB.told("POST", path, topic, data=body, headers={"Content-Type": "application/json"})
        except NotFound:
            msg = f"unknown topic {topic!r}; expected one that is declared in project {self._project}"
            raise NotFound(msg) from None
        if (accepted := len(answer.get("messageIds", ()))) != len(batch):
            msg = f"{accepted} of {len(batch)} messages were accepted by {topic!r}"
            raise Unavailable(msg)


def _batches(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Cut messages into requests, in order; one message that is too large for that goes alone."""
    start = size = 0
    for place, message in enumerate(messages):
        if place > start and (place - start == MAX_MESSAGES or size + _size(message) > MAX_BYTES):
            yield messages[start:place]
            start, size = place, 0
        size += _size(message)
    if messages:
        yield messages[start:]


def _size(message: Message) -> int:
    return len(message.data) + sum(len(name) + len(value) for name, value in message.attributes.items())


def _as_sent(message: Message) -> dict[str, object]:
    return {"data": base64.b64encode(message.data).decode(), "attributes": dict(message.attributes)}
