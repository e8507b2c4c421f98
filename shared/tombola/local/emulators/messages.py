"""What is asked of the Pub/Sub emulator beside publishing: declaring topics and subscriptions, pulling, giving back."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from tombola.local.emulators.running import Running
from tombola.ports.errors import NotFound, Unavailable
from tombola.runtime.topology import DEAD_LETTERS, Subscription

PATIENCE = 60
"""Seconds. A busy machine lets its emulators wait."""
_NOT_FOUND, _CONFLICT = 404, 409


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it was pulled. `ack_id` gives this delivery back; `attempt` counts from 1."""

    ack_id: str
    message_id: str
    data: bytes = field(repr=False)
    attributes: Mapping[str, str]
    attempt: int
    published_at: datetime


class PubSub:
    """One project of the Pub/Sub emulator, over REST. Safe under threads."""

    def __init__(self, emulator: Running, project: str) -> None:
        """Ask `emulator` for what is in `project`."""
        self._base = f"http://{emulator.address}/v1/projects/{project}"
        self._project = project
        self._session = requests.Session()

    def declare(
        self,
        topics: Iterable[str],
        subscriptions: Iterable[Subscription],
        endpoint: Callable[[Subscription], str | None] = lambda _: None,
    ) -> None:
        """Create topics, the dead letters' too, and subscriptions; those that are there already stay as they are.

        A subscription is pushed to its `endpoint`, or waits to be pulled. It insists and gives up as it says itself.
        """
        for topic in dict.fromkeys([*topics, DEAD_LETTERS]):
            self._create(f"topics/{topic}", {})
        self._create(f"subscriptions/{DEAD_LETTERS}", self._bound_to(DEAD_LETTERS))
        for each in subscriptions:
            self._create(f"subscriptions/{each.name}", self._settings(each, endpoint(each)))

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        """Publish one message."""
        message = {"data": base64.b64encode(data).decode(), "attributes": dict(attributes)}
        self._ask(f"topics/{topic}:publish", {"messages": [message]})

    def pull(self, subscription: str, limit: int) -> Sequence[Received]:
        """Return what is due now, at most `limit` messages."""
        told = self._ask(f"subscriptions/{subscription}:pull", {"maxMessages": limit, "returnImmediately": True})
        return [_received(each) for each in told.get("receivedMessages", ())]

    def acknowledge(self, subscription: str, ack_ids: Sequence[str]) -> None:
        """Finish deliveries."""
        self._ask(f"subscriptions/{subscription}:acknowledge", {"ackIds": list(ack_ids)})

    def refuse(self, subscription: str, ack_ids: Sequence[str]) -> None:
        """Give deliveries back: they come again after their back-off."""
        given_back = {"ackIds": list(ack_ids), "ackDeadlineSeconds": 0}
        self._ask(f"subscriptions/{subscription}:modifyAckDeadline", given_back)

    def _settings(self, one: Subscription, endpoint: str | None) -> dict[str, Any]:
        return {
            **self._bound_to(one.topic),
            "ackDeadlineSeconds": one.retry.ack_deadline,
            "retryPolicy": {
                "minimumBackoff": f"{one.retry.minimum_backoff}s", "maximumBackoff": f"{one.retry.maximum_backoff}s"
            },
            "deadLetterPolicy": {
                "deadLetterTopic": self._topic(DEAD_LETTERS), "maxDeliveryAttempts": one.retry.max_attempts
            },
            **({"pushConfig": {"pushEndpoint": endpoint}} if endpoint else {}),
        }  # fmt: skip

    def _bound_to(self, topic: str) -> dict[str, Any]:
        return {"topic": self._topic(topic), "ackDeadlineSeconds": 600}

    def _topic(self, name: str) -> str:
        return f"projects/{self._project}/topics/{name}"

    def _create(self, what: str, settings: Mapping[str, Any]) -> None:
        self._send("PUT", what, settings, accepted=(_CONFLICT,))

    def _ask(self, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._send("POST", what, body)

    def _send(self, method: str, what: str, body: Mapping[str, Any], accepted: tuple[int, ...] = ()) -> dict[str, Any]:
        try:
            answer = self._session.request(method, f"{self._base}/{what}", json=body, timeout=PATIENCE)
        except requests.RequestException as error:
            msg = f"{what}: {error}"
            raise Unavailable(msg) from error
        if not answer.ok and answer.status_code not in accepted:
            msg = f"{what}: {answer.status_code} {answer.text[:300]}"
            raise (NotFound if answer.status_code == _NOT_FOUND else Unavailable)(msg)
        told: dict[str, Any] = answer.json()
        return told


def _received(told: Mapping[str, Any]) -> Received:
    message = told["message"]
    return Received(
        told["ackId"],
        message["messageId"],
        base64.b64decode(message.get("data", "")),
        message.get("attributes", {}),
        int(told.get("deliveryAttempt", 0)) or 1,
        datetime.fromisoformat(message["publishTime"]),
    )
