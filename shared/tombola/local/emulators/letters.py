"""The dead letters of the Pub/Sub emulator, held by this process until they are sent again or discarded."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from tombola.local.emulators.messages import PubSub, Received
from tombola.runtime.dead_letters import SOURCE_ATTEMPTS, SOURCE_SUBSCRIPTION
from tombola.runtime.topology import DEAD_LETTERS

AT_ONCE = 200
_SOURCE_PREFIX = "CloudPubSubDeadLetter"


class DeadLetters:
    """What lies among the dead letters. Not safe under threads: the queue that owns it is."""

    def __init__(self, pubsub: PubSub, topics: Mapping[str, str], sent_again: Callable[[str, int], None]) -> None:
        """Look after the letters.

        `topics` tells the topic of every subscription; `sent_again` is called with a topic and how many messages.
        """
        self._pubsub, self._topics, self._sent_again = pubsub, topics, sent_again
        self._kept: dict[str, Received] = {}
        self._expected: Counter[str] = Counter()  # by subscription: given up, and not here yet

    def expect(self, subscription: str) -> None:
        """Wait for a message that was given up: the emulator moves it when its subscription is pulled again."""
        self._expected[subscription] += 1

    def expected(self, subscription: str) -> bool:
        """Tell whether a message of this subscription was given up and is not here yet."""
        return self._expected[subscription] > 0

    def to_come(self) -> bool:
        """Tell whether any message was given up and is not here yet."""
        if self._expected.total():
            self._take()
        return self._expected.total() > 0

    def kept(self) -> list[Received]:
        """Return all letters, oldest first."""
        self._take()
        return sorted(self._kept.values(), key=age)

    def redrive(self, message_ids: Sequence[str]) -> int:
        """Publish letters again to the topics they came from; return how many.

        So every subscription of the topic gets them, not only the one they died on: functions are idempotent. One
        whose subscription is not known stays where it is.
        """
        done = 0
        for letter in self._named(message_ids):
            topic = self._topics.get(letter.attributes.get(SOURCE_SUBSCRIPTION, "").rpartition("/")[2])
            if topic is not None:
                clean = {name: text for name, text in letter.attributes.items() if not name.startswith(_SOURCE_PREFIX)}
                self._pubsub.publish(topic, letter.data, clean)
                self._sent_again(topic, 1)
                done += self._forget(letter)
        return done

    def discard(self, message_ids: Sequence[str]) -> int:
        """Forget letters for good; return how many."""
        return sum(self._forget(letter) for letter in self._named(message_ids))

    def _take(self) -> None:
        while received := self._pubsub.pull(DEAD_LETTERS, AT_ONCE):
            self._expected -= Counter(_died_on(each) for each in received if each.message_id not in self._kept)
            self._kept.update({each.message_id: each for each in received})

    def _named(self, message_ids: Iterable[str]) -> list[Received]:
        self._take()
        return [self._kept[each] for each in dict.fromkeys(message_ids) if each in self._kept]

    def _forget(self, letter: Received) -> bool:
        self._pubsub.acknowledge(DEAD_LETTERS, [letter.ack_id])
        return self._kept.pop(letter.message_id, None) is not None


def age(message: Received) -> tuple[datetime, str]:
    """Sort messages by it, oldest first."""
    return message.published_at, message.message_id


def _died_on(letter: Received) -> str:
    """Return the subscription on which Pub/Sub gave a message up; empty for a letter that a function wrote."""
    by_pubsub = SOURCE_ATTEMPTS in letter.attributes and "reason" not in letter.attributes
    return letter.attributes.get(SOURCE_SUBSCRIPTION, "") if by_pubsub else ""
