"""The queue on one machine: at least once, whatever fails; how it insists, and how it gives up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tombola.adapters.embedded.clock import ReplayClock
from tombola.adapters.embedded.topics import (
    DEAD_LETTERS,
    SOURCE_ATTEMPTS,
    SOURCE_SUBSCRIPTION,
    Counts,
    EmbeddedTopics,
    Subscription,
)
from tombola.ports.errors import NotFound, Unavailable
from tombola.ports.topics import Message

START = datetime(2017, 6, 15, 12, 0, tzinfo=UTC)
Race = Callable[[int, Callable[[int], object]], list[object]]
HELLO = Message(b"hello", {"type": "order-recorded"})


@pytest.fixture
def topics(tmp_path: Path, clock: ReplayClock) -> EmbeddedTopics:
    made = EmbeddedTopics(tmp_path, lambda: clock.now().timestamp())
    made.declare_topics(["orders"])
    made.declare([Subscription("update", "orders", max_attempts=5), Subscription("issue", "orders")])
    return made


def datas(topics: EmbeddedTopics, subscription: str = "update", limit: int = 1000) -> list[bytes]:
    return [each.data for each in topics.lease(subscription, limit)]


def fail_until_dead(topics: EmbeddedTopics, clock: ReplayClock, reason: str = "") -> None:
    for _ in range(5):
        (leased,) = topics.lease("update", 10)
        topics.retry(leased.id, reason)
        clock.advance(timedelta(minutes=10))


# Publishing


def test_a_message_says_when_it_was_published_and_how_often_it_was_delivered(
    topics: EmbeddedTopics, clock: ReplayClock
) -> None:
    topics.publish("orders", [HELLO, Message(b"\x00\xff")])
    for name in ("update", "issue"):
        first, second = topics.lease(name, 10)
        assert (first.data, first.attributes, first.attempt) == (b"hello", {"type": "order-recorded"}, 1)
        assert (second.data, second.attributes) == (b"\x00\xff", {})
        assert first.published_at == clock.now()
        assert first.message_id != second.message_id


def test_a_subscription_gets_what_is_published_after_it_was_declared(topics: EmbeddedTopics) -> None:
    topics.publish("orders", [HELLO])
    topics.declare([Subscription("late", "orders")])
    topics.publish("orders", [Message(b"second")])
    assert datas(topics, "late") == [b"second"]


def test_declaring_again_changes_settings_and_loses_nothing(topics: EmbeddedTopics) -> None:
    topics.publish("orders", [HELLO])
    topics.declare_topics(["orders"])
    topics.declare([Subscription("update", "orders", max_attempts=7)])
    assert Subscription("update", "orders", max_attempts=7) in topics.subscriptions()
    assert datas(topics) == [b"hello"]


def test_an_unknown_topic_or_subscription_is_not_found(topics: EmbeddedTopics) -> None:
    with pytest.raises(NotFound, match="unknown topic 'wishes'; declared are dead-letters, orders"):
        topics.publish("wishes", [HELLO])
    with pytest.raises(NotFound, match="unknown topic 'wishes'"):
        topics.declare([Subscription("a", "wishes")])
    with pytest.raises(NotFound, match="unknown subscription 'a'"):
        topics.lease("a", 1)


# Delivery


def test_what_is_leased_is_not_delivered_twice_before_its_deadline(topics: EmbeddedTopics, clock: ReplayClock) -> None:
    topics.publish("orders", [HELLO])
    assert datas(topics) == [b"hello"]
    clock.advance(timedelta(seconds=599))
    assert datas(topics) == []
    clock.advance(timedelta(seconds=1))
    (again,) = topics.lease("update", 10)
    assert again.attempt == 2


def test_a_lease_takes_no_more_than_its_limit(topics: EmbeddedTopics) -> None:
    topics.publish("orders", [Message(str(n).encode()) for n in range(5)])
    assert datas(topics, limit=3) == [b"0", b"1", b"2"]
    assert datas(topics, limit=3) == [b"3", b"4"]


def test_what_is_acknowledged_never_comes_back(topics: EmbeddedTopics, clock: ReplayClock) -> None:
    topics.publish("orders", [HELLO])
    ids = [each.id for each in topics.lease("update", 10)]
    topics.acknowledge(ids)
    topics.acknowledge(ids)
    clock.advance(timedelta(days=1))
    assert datas(topics) == []
    assert datas(topics, "issue") == [b"hello"]


def test_a_message_is_kept_until_everybody_acknowledged_it(topics: EmbeddedTopics) -> None:
    topics.publish("orders", [HELLO])
    for name in ("update", "issue"):
        assert [kept.data for kept in topics.recent("orders", 10)] == [b"hello"]
        topics.acknowledge([each.id for each in topics.lease(name, 10)])
    assert topics.recent("orders", 10) == []


def test_the_latest_kept_messages_come_oldest_first(topics: EmbeddedTopics) -> None:
    topics.publish("orders", [Message(str(n).encode()) for n in range(5)])
    assert [kept.data for kept in topics.recent("orders", 3)] == [b"2", b"3", b"4"]


def test_the_back_off_doubles_from_ten_seconds_to_ten_minutes(topics: EmbeddedTopics, clock: ReplayClock) -> None:
    topics.declare([Subscription("update", "orders", max_attempts=100)])
    topics.publish("orders", [HELLO])
    topics.acknowledge([each.id for each in topics.lease("issue", 10)])
    waits = []
    for attempt in range(1, 10):
        (leased,) = topics.lease("update", 10)
        assert leased.attempt == attempt
        topics.retry(leased.id)
        due = topics.next_due()
        assert due is not None
        waits.append(due - clock.now().timestamp())
        assert datas(topics) == []
        clock.advance(timedelta(seconds=waits[-1]))
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_after_the_last_attempt_a_message_is_a_dead_letter_that_says_why(
    topics: EmbeddedTopics, clock: ReplayClock
) -> None:
    topics.publish("orders", [HELLO])
    fail_until_dead(topics, clock, "503 from update")
    assert datas(topics) == []
    (letter,) = topics.recent(DEAD_LETTERS, 10)
    assert letter.data == b"hello"
    assert letter.attributes["type"] == "order-recorded"
    assert letter.attributes[SOURCE_SUBSCRIPTION] == "update"
    assert letter.attributes[SOURCE_ATTEMPTS] == "5"
    assert letter.attributes["CloudPubSubDeadLetterReason"] == "503 from update"
    assert datas(topics, "issue") == [b"hello"]


def test_what_always_kills_its_process_becomes_a_dead_letter_too(topics: EmbeddedTopics, clock: ReplayClock) -> None:
    topics.publish("orders", [HELLO, Message(b"fine")])
    for _ in range(5):
        leased = topics.lease("update", 10)
        topics.acknowledge([each.id for each in leased if each.data == b"fine"])
        clock.advance(timedelta(minutes=10))
    assert datas(topics) == []
    assert [kept.data for kept in topics.recent(DEAD_LETTERS, 10)] == [b"hello"]


def test_dead_letters_are_never_due_and_never_forgotten(topics: EmbeddedTopics, clock: ReplayClock) -> None:
    topics.publish("orders", [HELLO])
    topics.acknowledge([each.id for each in topics.lease("issue", 10)])
    fail_until_dead(topics, clock)
    assert topics.next_due() is None
    clock.advance(timedelta(days=400))
    assert topics.counts()[DEAD_LETTERS] == Counts(ready=1)


def test_a_dead_letter_goes_back_to_where_it_died_and_nowhere_else(topics: EmbeddedTopics, clock: ReplayClock) -> None:
    topics.publish("orders", [HELLO])
    topics.acknowledge([each.id for each in topics.lease("issue", 10)])
    fail_until_dead(topics, clock)
    (letter,) = topics.recent(DEAD_LETTERS, 10)
    assert topics.redrive([letter.message_id, letter.message_id, "99999"]) == 1
    (again,) = topics.lease("update", 10)
    assert (again.data, again.attributes, again.attempt) == (b"hello", {"type": "order-recorded"}, 1)
    assert topics.lease("issue", 10) == []
    assert topics.recent(DEAD_LETTERS, 10) == []


def test_a_letter_that_a_function_wrote_goes_back_by_the_subscription_it_names(topics: EmbeddedTopics) -> None:
    full = "projects/local/subscriptions/issue"
    topics.publish(DEAD_LETTERS, [Message(b"broken", {SOURCE_SUBSCRIPTION: full}), Message(b"whose?")])
    ids = [kept.message_id for kept in topics.recent(DEAD_LETTERS, 10)]
    assert topics.redrive(ids) == 1
    assert datas(topics, "issue") == [b"broken"]
    assert [kept.data for kept in topics.recent(DEAD_LETTERS, 10)] == [b"whose?"]


def test_only_dead_letters_are_discarded(topics: EmbeddedTopics) -> None:
    topics.publish("orders", [HELLO])
    topics.publish(DEAD_LETTERS, [Message(b"broken"), Message(b"kept")])
    (living,) = topics.recent("orders", 10)
    broken, kept = topics.recent(DEAD_LETTERS, 10)
    assert topics.discard([broken.message_id, broken.message_id, living.message_id, "99999"]) == 1
    assert topics.recent(DEAD_LETTERS, 10) == [kept]
    assert datas(topics, "issue") == [b"hello"]


def test_a_late_word_about_a_lease_that_has_passed_on_changes_nothing(
    topics: EmbeddedTopics, clock: ReplayClock
) -> None:
    topics.publish("orders", [HELLO])
    (slow,) = topics.lease("update", 10)
    clock.advance(timedelta(minutes=10))
    (held,) = topics.lease("update", 10)
    topics.retry(slow.id)
    assert topics.counts()["update"] == Counts(in_flight=1)
    topics.acknowledge([held.id])
    topics.retry(held.id)
    assert topics.counts()["update"] == Counts()


def test_counts_tell_ready_in_flight_and_waiting(topics: EmbeddedTopics) -> None:
    topics.publish("orders", [HELLO] * 6)
    first, *_ = topics.lease("update", 3)
    topics.retry(first.id)
    assert topics.counts() == {
        DEAD_LETTERS: Counts(),
        "issue": Counts(ready=6),
        "update": Counts(ready=3, in_flight=2, waiting=1),
    }


def test_what_is_in_flight_can_be_released_and_what_waits_keeps_waiting(topics: EmbeddedTopics) -> None:
    topics.publish("orders", [Message(b"first"), Message(b"second")])
    first, _second = topics.lease("update", 2)
    topics.retry(first.id)
    assert topics.release_all() == 1
    assert [(each.data, each.attempt) for each in topics.lease("update", 10)] == [(b"second", 2)]


def test_many_readers_share_the_work_and_lose_none_of_it(topics: EmbeddedTopics, race: Race) -> None:
    def publish_and_work(number: int) -> list[bytes]:
        topics.publish("orders", [Message(f"{number}.{n}".encode()) for n in range(100)])
        taken: list[bytes] = []
        while leased := topics.lease("update", 7):
            topics.acknowledge([each.id for each in leased])
            taken += [each.data for each in leased]
        return taken

    outcomes = race(4, publish_and_work)
    taken = [data for outcome in outcomes if isinstance(outcome, list) for data in outcome]
    assert sorted(taken) == sorted(f"{number}.{n}".encode() for number in range(4) for n in range(100))


# On one machine

OPEN = """
from tombola.adapters.embedded.topics import *
topics = EmbeddedTopics(HOME)
topics.declare_topics(["orders"])
topics.declare([Subscription("update", "orders")])
"""
PUBLISH_UNTIL_KILLED = """
number = 0
while True:
    topics.publish("orders", [Message(f"{number}.{side}".encode()) for side in "abc"])
    print(number, flush=True)
    number += 1
"""
LEASE_UNTIL_KILLED = """
for each in topics.lease("update", 5):
    print(each.data.decode(), flush=True)
import time
time.sleep(60)
"""


def test_a_killed_publisher_leaves_whole_batches_and_loses_none_it_reported(
    tmp_path: Path, kill_after: Callable[[str, int], list[str]]
) -> None:
    reported = len(kill_after(OPEN + PUBLISH_UNTIL_KILLED, 100))
    found = datas(EmbeddedTopics(tmp_path), limit=1_000_000)
    assert len(found) >= 3 * reported
    assert found == [f"{n}.{side}".encode() for n in range(len(found) // 3) for side in "abc"]


def test_what_a_killed_process_had_in_flight_is_delivered_again(
    tmp_path: Path, kill_after: Callable[[str, int], list[str]], run: Callable[[str], str]
) -> None:
    run(OPEN + "topics.publish('orders', [Message(str(n).encode()) for n in range(9)])")
    assert len(kill_after(OPEN + LEASE_UNTIL_KILLED, 5)) == 5
    topics = EmbeddedTopics(tmp_path)
    assert len(datas(topics)) == 4
    assert topics.release_all() == 9
    assert sorted(datas(topics)) == [str(n).encode() for n in range(9)]


def test_a_broken_file_is_an_outage_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "topics.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(Unavailable, match=r"topics\.sqlite: file is not a database"):
        EmbeddedTopics(tmp_path)
