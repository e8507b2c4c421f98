"""Google's Pub/Sub emulator for the contract of topics: one process for all tests, a project of its own for each."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from tombola.adapters.google.topics import GoogleTopics
from tombola.local.emulators.messages import PubSub
from tombola.local.emulators.pubsub import pubsub
from tombola.local.emulators.running import Running
from tombola.ports.topics import Message, Topics
from tombola.runtime.topology import Retry, Subscription

Published = Callable[[str], list[Message]]
"""What a subscription has got since it was asked last."""
AT_ONCE = 1_000
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def pubsub_emulator() -> Iterator[Running]:
    """Run Google's Pub/Sub emulator."""
    with pubsub("demo-contract") as emulator:
        yield emulator


@pytest.fixture
def pubsub_project(pubsub_emulator: Running, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a project that nobody else uses, on the emulator."""
    for name, value in pubsub_emulator.environment.items():
        monkeypatch.setenv(name, value)
    return f"demo-{next(_numbers)}"


@pytest.fixture
def google_topics(pubsub_emulator: Running, pubsub_project: str) -> tuple[Topics, Published]:
    """Return topics that know `orders` with the subscriptions `update` and `issue`, and what these have got since."""
    emulator = PubSub(pubsub_emulator, pubsub_project)
    emulator.declare(["orders"], [Subscription(name, "orders", "live", Retry()) for name in ("update", "issue")])

    def published(subscription: str) -> list[Message]:
        got = iter(lambda: emulator.pull(subscription, AT_ONCE), [])
        return [Message(each.data, each.attributes) for batch in got for each in batch]

    return GoogleTopics(pubsub_project), published
