"""No event is lost between a commit and its publishing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tombola.adapters.embedded.clock import ReplayClock
from tombola.adapters.embedded.topics import EmbeddedTopics, Kept
from tombola.ports import Ports
from tombola.ports.documents import (
    MAX_DOCUMENT_BYTES,
    OUTBOX_SHARDS,
    Create,
    DocumentKey,
    Documents,
    OutboundEvent,
    Snapshot,
    Where,
)
from tombola.ports.errors import PreconditionFailed, Refused, Unavailable
from tombola.ports.topics import Message
from tombola.runtime import outbox
from tombola.runtime.outbox import PublishingDocuments, relay

Published = Callable[[str], list[dict[str, Any]]]
KEY = DocumentKey("plays", ("t1",))


def event(number: int = 1, topic: str = "play-changed") -> OutboundEvent:
    return OutboundEvent(
        f"{number:032x}", topic, Message(b'{"event_id": "%d"}' % number, {"event_id": f"{number:032x}"})
    )


def waiting(documents: Documents) -> list[Snapshot]:
    return [
        found for shard in range(OUTBOX_SHARDS) for found in documents.query("outbox", [Where("shard", "==", shard)])
    ]


def undecorated(ports: Ports) -> Documents:
    assert isinstance(ports.documents, PublishingDocuments)
    return ports.documents.documents


class BrokenTopics:
    """Topics that fail as often as they are told to, then pass everything on."""

    def __init__(self, topics: EmbeddedTopics, error: Exception, times: int = 1) -> None:
        self.topics, self.error, self.times = topics, error, times

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        if self.times:
            self.times -= 1
            raise self.error
        self.topics.publish(topic, messages)


def broken(ports: Ports, error: Exception, times: int = 1) -> BrokenTopics:
    assert isinstance(ports.topics, EmbeddedTopics)
    return BrokenTopics(ports.topics, error, times)


def test_events_of_a_commit_are_published_and_leave_the_outbox(ports: Ports, published: Published) -> None:
    ports.documents.commit([Create(KEY, {"state": "open"})], [event(1), event(2), event(3, "order-recorded")])
    assert [one["event_id"] for one in published("play-changed")] == ["1", "2"]
    assert [one["event_id"] for one in published("order-recorded")] == ["3"]
    assert waiting(ports.documents) == []


def test_a_commit_that_loses_its_race_publishes_nothing(ports: Ports, published: Published) -> None:
    ports.documents.commit([Create(KEY, {})])
    with pytest.raises(PreconditionFailed):
        ports.documents.commit([Create(KEY, {})], [event()])
    assert (published("play-changed"), waiting(ports.documents)) == ([], [])


def test_a_commit_the_port_refuses_publishes_nothing(ports: Ports, published: Published) -> None:
    with pytest.raises(Refused):
        ports.documents.commit([Create(KEY, {"x": b"x" * MAX_DOCUMENT_BYTES})], [event()])
    assert (published("play-changed"), waiting(ports.documents)) == ([], [])


@pytest.mark.parametrize("error", [Unavailable("down"), RuntimeError("a bug")])
@pytest.mark.usefixtures("stream")
def test_a_commit_stands_when_publishing_fails_and_the_relay_publishes_later(
    ports: Ports, published: Published, clock: ReplayClock, error: Exception
) -> None:
    documents = PublishingDocuments(undecorated(ports), broken(ports, error))
    documents.commit([Create(KEY, {"state": "open"})], [event()])
    assert documents.get([KEY])[0] is not None
    assert published("play-changed") == []
    assert relay(ports) == 0, "younger than a minute: still in the hands of whoever committed it"
    clock.advance(timedelta(seconds=61))
    assert relay(ports) == 1
    assert [one["event_id"] for one in published("play-changed")] == ["1"]
    assert (waiting(documents), relay(ports)) == ([], 0)


def test_a_crash_between_publishing_and_deleting_publishes_the_same_event_again(
    ports: Ports, published: Published, clock: ReplayClock
) -> None:
    undecorated(ports).commit([], [event()])
    ports.topics.publish("play-changed", [event().message])
    clock.advance(timedelta(minutes=2))
    relay(ports)
    assert [one["event_id"] for one in published("play-changed")] == ["1", "1"]


def test_an_event_comes_out_of_the_outbox_as_it_went_in(ports: Ports, clock: ReplayClock) -> None:
    undecorated(ports).commit([], [event(7)])
    clock.advance(timedelta(minutes=2))
    relay(ports)
    assert isinstance(ports.topics, EmbeddedTopics)
    (kept,) = ports.topics.recent("play-changed", 5)
    assert (kept.data, kept.attributes) == (event(7).message.data, event(7).message.attributes)


def test_the_relay_empties_every_shard_in_bounded_runs(ports: Ports, clock: ReplayClock, published: Published) -> None:
    total = 150
    undecorated(ports).commit([], [event(number) for number in range(total)])
    assert len({found.fields["shard"] for found in waiting(ports.documents)}) == OUTBOX_SHARDS
    clock.advance(timedelta(minutes=2))
    assert relay(ports) == total <= OUTBOX_SHARDS * outbox.RELAYED_PER_SHARD
    assert len({one["event_id"] for one in published("play-changed")}) == total
    assert waiting(ports.documents) == []


def test_an_outage_leaves_everything_to_the_next_run(ports: Ports, clock: ReplayClock, published: Published) -> None:
    undecorated(ports).commit([], [event()])
    clock.advance(timedelta(minutes=2))
    with pytest.raises(Unavailable):
        relay(replace(ports, topics=broken(ports, Unavailable("down"))))
    assert len(waiting(ports.documents)) == 1
    assert relay(ports) == 1
    assert len(published("play-changed")) == 1


def test_an_event_that_no_topic_takes_is_buried_and_holds_up_nobody(
    ports: Ports, clock: ReplayClock, published: Published, letters: Callable[[], list[Kept]]
) -> None:
    undecorated(ports).commit([], [event(1, "no-such-topic"), event(2)])
    clock.advance(timedelta(minutes=2))
    assert relay(ports) == 2
    assert [one["event_id"] for one in published("play-changed")] == ["2"]
    (letter,) = letters()
    assert letter.attributes["reason"] == "unpublishable"
    assert letter.attributes["CloudPubSubDeadLetterSourceTopic"] == "no-such-topic"
    assert waiting(ports.documents) == []


class Rival:
    """Documents in which somebody else deletes from the outbox just before we do."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents

    def commit(self, *arguments: object) -> None:
        self.documents.commit(*arguments)  # type: ignore[arg-type]

    def query(self, *arguments: object, **named: object) -> list[Snapshot]:
        found = list(self.documents.query(*arguments, **named))  # type: ignore[arg-type]
        outbox._discard(self.documents, found[:1])
        return found


def test_two_relays_at_once_do_no_harm(ports: Ports, clock: ReplayClock) -> None:
    undecorated(ports).commit([], [event(number) for number in range(40)])
    clock.advance(timedelta(minutes=2))
    rival = Rival(undecorated(ports))
    assert relay(replace(ports, documents=rival)) == 40
    assert waiting(ports.documents) == []
