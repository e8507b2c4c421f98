"""Topics: what was published is there for every subscription, or its publisher was told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.contract.google_topics import Published

from tombola.adapters.embedded.topics import EmbeddedTopics, Subscription
from tombola.ports.errors import NotFound, Refused
from tombola.ports.topics import (
    MAX_ATTRIBUTE_KEY_BYTES,
    MAX_ATTRIBUTE_VALUE_BYTES,
    MAX_ATTRIBUTES,
    MAX_DATA_BYTES,
    Message,
    Topics,
)

Race = Callable[[int, Callable[[int], object]], list[object]]
HELLO = Message(b"hello", {"type": "order-recorded"})


@pytest.fixture
def channel(request: pytest.FixtureRequest, adapters: str, tmp_path: Path) -> tuple[Topics, Published]:
    """Return topics that know `orders` with the subscriptions `update` and `issue`, and what these have got since."""
    if adapters == "google":
        made: tuple[Topics, Published] = request.getfixturevalue("google_topics")
        return made
    topics = EmbeddedTopics(tmp_path)
    topics.declare_topics(["orders"])
    topics.declare([Subscription("update", "orders"), Subscription("issue", "orders")])
    return topics, lambda name: [Message(each.data, each.attributes) for each in topics.lease(name, 1_000_000)]


@pytest.fixture
def topics(channel: tuple[Topics, Published]) -> Topics:
    return channel[0]


@pytest.fixture
def published(channel: tuple[Topics, Published]) -> Published:
    return channel[1]


def test_every_subscription_gets_every_message(topics: Topics, published: Published) -> None:
    sent = [HELLO, Message(b"\x00\xff"), Message(b"", {"a": "", "é": "🎡"})]
    topics.publish("orders", sent)
    for name in ("update", "issue"):
        got = published(name)
        assert all(message in got for message in sent)
        assert len(got) == len(sent)


def test_more_messages_than_fit_into_a_request_all_arrive(topics: Topics, published: Published) -> None:
    topics.publish("orders", [Message(str(number).encode()) for number in range(2_500)])
    assert sorted(int(message.data) for message in published("update")) == list(range(2_500))


def test_more_bytes_than_fit_into_a_request_all_arrive(topics: Topics, published: Published) -> None:
    topics.publish("orders", [Message(bytes([number]) * 1_000_000) for number in range(15)])
    assert sorted((message.data[0], len(message.data)) for message in published("update")) == [
        (number, 1_000_000) for number in range(15)
    ]


def test_nothing_is_published_without_error(topics: Topics, published: Published) -> None:
    topics.publish("orders", [])
    assert published("update") == []


def test_sixteen_publishers_at_once_lose_nothing(topics: Topics, published: Published, race: Race) -> None:
    def publish(publisher: int) -> None:
        for number in range(10):
            topics.publish("orders", [Message(b"%d.%d" % (publisher, number))])

    assert race(16, publish) == [None] * 16
    assert sorted(message.data for message in published("issue")) == sorted(
        b"%d.%d" % (publisher, number) for publisher in range(16) for number in range(10)
    )


def test_an_unknown_topic_is_not_found(topics: Topics) -> None:
    with pytest.raises(NotFound, match="unknown topic 'wishes'"):
        topics.publish("wishes", [HELLO])


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (Message(bytes(MAX_DATA_BYTES + 1)), "message of 10000001 bytes; at most 10000000"),
        (Message(b""), "message without data and attributes"),
        (Message(b"", {str(n): "" for n in range(MAX_ATTRIBUTES + 1)}), "101 attributes; at most 100"),
        (Message(b"", {"": "x"}), "attribute key ''"),
        (Message(b"", {"googclient": "x"}), "not starting with 'goog'"),
        (Message(b"", {"é" * (MAX_ATTRIBUTE_KEY_BYTES // 2) + "x": "x"}), "expected 1 to 256 bytes"),
        (Message(b"", {"a": "x" * (MAX_ATTRIBUTE_VALUE_BYTES + 1)}), "attribute 'a' has 1025 bytes"),
    ],
)
def test_a_message_over_the_limits_is_refused_before_any_is_sent(
    topics: Topics, published: Published, message: Message, said: str
) -> None:
    with pytest.raises(Refused) as refused:
        topics.publish("orders", [HELLO, message])
    assert said in str(refused.value)
    assert published("update") == []
