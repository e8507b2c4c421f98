"""The pull side of the Pub/Sub emulator, as the local runner wants it: so functions in this process are driven by it.

What is leased, waits or died is known to this process alone: Pub/Sub tells nobody what lies in a subscription.
"""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tombola.local.emulators.deliveries import Counts, Delivery
from tombola.local.emulators.letters import DeadLetters, age
from tombola.local.emulators.messages import PubSub, Received
from tombola.ports.errors import Unavailable
from tombola.ports.topics import Message, Topics
from tombola.runtime.topology import DEAD_LETTERS, Subscription

AT_ONCE = 200
"""Messages taken of a subscription at once and kept here until they are leased."""
FRESH = 0.1
"""Seconds for which subscriptions that were empty are not asked again while others have something."""
EXPECTED_WITHIN = 60.0
"""Seconds in which what is published must be there to be pulled."""
ASKING = 8
"""Subscriptions asked at the same time."""


class PulledQueue:
    """`tombola.local.queue.Queue` over pull subscriptions. Safe under threads; one process may pull them at a time."""

    def __init__(self, pubsub: PubSub, subscriptions: Sequence[Subscription]) -> None:
        """Pull these subscriptions, and look after the dead letters."""
        self._pubsub = pubsub
        self._subscriptions = {one.name: one for one in subscriptions}
        self._ids = itertools.count(1)
        self._lock = threading.RLock()  # what follows changes only under it
        self._ready: dict[str, list[Delivery]] = {name: [] for name in self._subscriptions}
        self._leased: dict[int, Delivery] = {}
        self._waiting: dict[tuple[str, str], float] = {}  # by subscription and message: due about then
        self._letters = DeadLetters(pubsub, {one.name: one.topic for one in subscriptions}, self.expect)
        self._asked_at = 0.0
        self._expected: Counter[str] | None = None  # messages by subscription; None: nobody tells what is published
        self._asking = ThreadPoolExecutor(ASKING, thread_name_prefix="pulling")

    def telling(self, topics: Topics) -> Topics:
        """Return topics that tell this queue what to expect, when everything is published through them.

        Then it asks only where something must be, and until that is there: Pub/Sub may say for a while that there is
        nothing, and who looks at a clock of its own would go on without it.
        """
        self._expected = Counter()
        return _Telling(topics, self)

    def expect(self, topic: str, messages: int) -> None:
        """Wait for so many messages that are, or will be, published to a topic."""
        with self._lock:
            if self._expected is not None:
                for one in self._subscriptions.values():
                    if one.topic == topic:
                        self._expected[one.name] += messages

    def lease(self, subscription: str, limit: int) -> Sequence[Delivery]:
        """Take up to `limit` due deliveries. Raises `NotFound` for an unknown subscription."""
        with self._lock:
            if not self._ready.get(subscription):
                self._pull(subscription)
            ready = self._ready[subscription]
            taken, self._ready[subscription] = ready[:limit], ready[limit:]
            self._leased.update({each.id: each for each in taken})
        return taken

    def acknowledge(self, ids: Sequence[int], /) -> None:
        """Forget these deliveries."""
        for subscription, deliveries in self._given_back(ids):
            self._pubsub.acknowledge(subscription, [each.received.ack_id for each in deliveries])

    def retry(self, lease: int, reason: str = "", /) -> None:  # noqa: ARG002 (Pub/Sub keeps no reason)
        """Let this delivery come back after its back-off, or die at its last attempt."""
        for subscription, (delivery,) in self._given_back([lease]):
            retry = self._subscriptions[subscription].retry
            with self._lock:
                if delivery.attempt < retry.max_attempts:
                    wait = min(retry.maximum_backoff, retry.minimum_backoff * 2 ** (delivery.attempt - 1))
                    self._waiting[subscription, delivery.message_id] = time.time() + wait
                else:
                    self._letters.expect(subscription)
            self._pubsub.refuse(subscription, [delivery.received.ack_id])

    def release_all(self) -> int:
        """Give back everything in flight; it comes again after its back-off."""
        with self._lock:
            held = [*self._leased.values(), *(each for ready in self._ready.values() for each in ready)]
            self._leased.update({each.id: each for each in held})
            self._ready = {name: [] for name in self._ready}
        for each in held:
            self.retry(each.id)
        return len(held)

    def counts(self) -> Mapping[str, Counts]:
        """Return what lies in every subscription, the dead letters' included, as far as this process has seen it."""
        with self._lock:
            in_flight = [each.subscription for each in self._leased.values()]
            waiting = [name for name, _ in self._waiting]
            counted = {
                name: Counts(len(ready), in_flight.count(name), waiting.count(name))
                for name, ready in self._ready.items()
            }
            return counted | {DEAD_LETTERS: Counts(ready=len(self._letters.kept()))}

    def due(self) -> set[str]:
        """Return the subscriptions in which something was found. Raises `Unavailable` for what is expected in vain."""
        with self._lock:
            if self._expected is not None:
                self._await_expected(self._expected)
                return {name for name, ready in self._ready.items() if ready}
            found = {name for name, ready in self._ready.items() if ready}
            if not found or time.monotonic() - self._asked_at > FRESH:
                self._ask_for_more([name for name in self._ready if name not in found])
            return {name for name, ready in self._ready.items() if ready}

    def next_due(self) -> float | None:
        """Return when (seconds since 1970) the next delivery is due, about; None when none waits or is in flight.

        What died at its last attempt counts until it is among the dead letters, where the emulator puts it only when
        its subscription is pulled again.
        """
        with self._lock:
            to_come = self._letters.to_come() or any((self._expected or {}).values())
            held = bool(self._leased) or any(self._ready.values()) or to_come
            return time.time() if held else min(self._waiting.values(), default=None)

    def recent(self, topic: str, limit: int) -> Sequence[Received]:
        """Return the latest of all dead letters, or of what is held here of another topic, oldest first."""
        with self._lock:
            if topic == DEAD_LETTERS:
                return self._letters.kept()[-limit:]
            held = [*self._leased.values(), *(each for ready in self._ready.values() for each in ready)]
            of_topic = {
                each.message_id: each.received for each in held if self._subscriptions[each.subscription].topic == topic
            }
            return sorted(of_topic.values(), key=age)[-limit:]

    def redrive(self, message_ids: Sequence[str], /) -> int:
        """Put dead letters back to the topics they came from; return how many (see `DeadLetters.redrive`)."""
        with self._lock:
            return self._letters.redrive(message_ids)

    def discard(self, message_ids: Sequence[str], /) -> int:
        """Forget dead letters for good; return how many."""
        with self._lock:
            return self._letters.discard(message_ids)

    def _await_expected(self, expected: Counter[str]) -> None:
        give_up_at = time.monotonic() + EXPECTED_WITHIN
        while names := [name for name in self._ready if expected[name] > 0 or self._comes_again(name)]:
            self._ask_for_more(names)
            if not any(expected[name] > 0 for name in names):
                return
            if time.monotonic() > give_up_at:
                msg = f"messages published to {', '.join(names)} were not delivered within {EXPECTED_WITHIN:.0f} s"
                raise Unavailable(msg)

    def _comes_again(self, subscription: str) -> bool:
        now = time.time()
        return self._letters.expected(subscription) or any(
            name == subscription and due <= now for (name, _), due in self._waiting.items()
        )

    def _ask_for_more(self, names: Sequence[str]) -> None:
        for name, received in zip(names, self._asking.map(self._received, names), strict=True):
            self._take(name, received)
        self._asked_at = time.monotonic()

    def _pull(self, subscription: str) -> None:
        self._take(subscription, self._received(subscription))

    def _received(self, subscription: str) -> Sequence[Received]:
        return self._pubsub.pull(subscription, AT_ONCE)

    def _take(self, subscription: str, received: Iterable[Received]) -> None:
        for each in received:
            self._ready[subscription].append(Delivery(next(self._ids), subscription, each))
            came_before = self._waiting.pop((subscription, each.message_id), None) is not None
            if self._expected is not None and not came_before:
                self._expected[subscription] -= 1

    def _given_back(self, ids: Iterable[int]) -> list[tuple[str, list[Delivery]]]:
        """Return what was leased under these ids, by subscription, and lease it no more."""
        with self._lock:
            found = [self._leased.pop(each) for each in ids if each in self._leased]
        names = dict.fromkeys(each.subscription for each in found)
        return [(name, [each for each in found if each.subscription == name]) for name in names]


@dataclass(frozen=True, slots=True)
class _Telling:
    """Topics that tell a queue what it is to expect."""

    topics: Topics
    queue: PulledQueue

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """See `Topics.publish`."""
        self.topics.publish(topic, messages)
        self.queue.expect(topic, len(messages))
