"""The runner: what Pub/Sub does, with functions of a few lines."""

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tombola.adapters.embedded.topics import EmbeddedTopics
from tombola.local.laptop import Laptop
from tombola.local.runner import NotDrained
from tombola.ports.topics import Message
from tombola.runtime import logs

MakeLaptop = Callable[..., Laptop]
OnPing = Callable[[str, str], None]
RECORD = 'ports().objects.replace("reports", event.event_id, delivery.lane.encode())'


@pytest.fixture(autouse=True)
def quiet_log() -> None:
    logs.configure(level="critical")


def held_up_while(condition: str) -> str:
    """Return code of a function that notes that it has begun, and records its event once the condition ends."""
    begin = "import time\nports().objects.replace('staging', event.event_id, b'')"
    return f"{begin}\nwhile {condition}:\n    time.sleep(0.01)\n{RECORD}"


def begun(made: Laptop) -> list[str]:
    return sorted(info.ref.name for info in made.ports.objects.list("staging"))


def ping(made: Laptop, *event_ids: str, lane: str = "live") -> None:
    topic = "order-received" if lane == "live" else "order-received-bulk"
    messages = [Message(json.dumps({"event_id": one}).encode(), {"type": "order-received"}) for one in event_ids]
    made.ports.topics.publish(topic, messages)


def recorded(made: Laptop) -> list[str]:
    """Return the events recorded, in order of their recording."""
    infos = sorted(made.ports.objects.list("reports"), key=lambda info: info.ref.generation)
    return [info.ref.name for info in infos]


def dead(made: Laptop) -> list[dict[str, str]]:
    assert isinstance(made.ports.topics, EmbeddedTopics)
    return [dict(kept.attributes) for kept in made.ports.topics.recent("dead-letters", 100)]


def test_every_subscription_of_a_topic_gets_every_message(on_ping: OnPing, laptop: MakeLaptop) -> None:
    on_ping("keep_ping", 'ports().objects.replace("reports", f"a-{event.event_id}", b"")')
    on_ping("count_ping", 'ports().objects.replace("reports", f"b-{event.event_id}", b"")')
    made = laptop()
    ping(made, "1", "2")
    tally = made.runner.drain()
    assert (tally.acknowledged, tally.retried) == (4, 0)
    assert sorted(recorded(made)) == ["a-1", "a-2", "b-1", "b-2"]


def test_a_function_that_fails_twice_is_called_a_third_time(on_ping: OnPing, laptop: MakeLaptop) -> None:
    on_ping("keep_ping", f"if delivery.attempt < 3:\n    raise RuntimeError('not yet')\n{RECORD}")
    made = laptop()
    ping(made, "1")
    tally = made.runner.drain()
    assert (tally.acknowledged, tally.retried) == (1, 2)
    assert (recorded(made), dead(made)) == (["1"], [])


def test_a_poisoned_message_ends_among_the_dead_letters_and_holds_up_nobody(
    on_ping: OnPing, laptop: MakeLaptop
) -> None:
    on_ping("keep_ping", f"if event.event_id == 'poison':\n    raise RuntimeError('always')\n{RECORD}")
    made = laptop(max_attempts=5)
    ping(made, "poison", "1", "2")
    tally = made.runner.drain()
    assert (tally.acknowledged, tally.retried) == (2, 5)
    assert sorted(recorded(made)) == ["1", "2"]
    [letter] = dead(made)
    assert letter["CloudPubSubDeadLetterSourceSubscription"] == "keep-ping"
    assert "keep_ping answered 500" in letter["CloudPubSubDeadLetterReason"]


def test_a_permanent_fault_is_acknowledged_at_once_and_says_why(on_ping: OnPing, laptop: MakeLaptop) -> None:
    on_ping("keep_ping", "from tombola.errors import Conflict\nraise Conflict('no', code='not-so')")
    made = laptop()
    ping(made, "1")
    assert made.runner.drain().acknowledged == 1
    assert [letter["reason"] for letter in dead(made)] == ["not-so"]


def test_a_dead_letter_that_is_sent_again_is_delivered_where_it_died(on_ping: OnPing, laptop: MakeLaptop) -> None:
    on_ping(
        "keep_ping",
        "from tombola.errors import Conflict\n"
        "if not list(ports().objects.list('config', 'mended')):\n"
        f"    raise Conflict('no')\n{RECORD}",
    )
    made = laptop()
    ping(made, "1")
    made.runner.drain()
    made.ports.objects.replace("config", "mended", b"")
    assert made.queue.redrive([one.message_id for one in made.queue.recent("dead-letters", 10)]) == 1
    made.runner.drain()
    assert (recorded(made), dead(made)) == (["1"], [])


def test_live_messages_are_served_before_bulk_ones_that_came_first(on_ping: OnPing, laptop: MakeLaptop) -> None:
    on_ping("keep_ping", RECORD)
    made = laptop()
    ping(made, *(f"bulk-{number:03}" for number in range(300)), lane="bulk")
    ping(made, "live-1", "live-2")
    made.runner.drain()
    assert recorded(made)[:2] == ["live-1", "live-2"]


def test_a_live_message_does_not_wait_for_all_bulk_work(on_ping: OnPing, laptop: MakeLaptop) -> None:
    on_ping(
        "keep_ping", held_up_while("delivery.lane == 'bulk' and not list(ports().objects.list('reports', 'live-1'))")
    )
    made = laptop()
    ping(made, "bulk-1", "bulk-2", lane="bulk")
    stop, runner = running(made, workers=1)
    until(lambda: len(begun(made)) == 1)
    ping(made, "live-1")
    until(lambda: recorded(made)[:1] == ["live-1"])
    stop.set()
    runner.join()


def test_stopping_finishes_what_runs_and_leaves_the_rest_to_the_next_start(on_ping: OnPing, laptop: MakeLaptop) -> None:
    on_ping("keep_ping", held_up_while("not list(ports().objects.list('config', 'stopping'))"))
    made = laptop()
    ping(made, *(f"{number:03}" for number in range(50)))
    stop, runner = running(made)
    until(lambda: len(begun(made)) == 2)
    stop.set()
    made.ports.objects.replace("config", "stopping", b"")
    runner.join()
    assert sorted(recorded(made)) == begun(made)
    done = len(recorded(made))
    assert done == 2
    assert made.queue.counts()["keep-ping"].ready == 50 - done
    again = laptop()
    assert again.runner.drain().acknowledged == 50 - done
    assert len(recorded(again)) == 50


def test_a_queue_that_does_not_drain_is_reported(on_ping: OnPing, laptop: MakeLaptop) -> None:
    on_ping("keep_ping", "raise RuntimeError('always')")
    made = laptop(max_attempts=10_000)
    ping(made, "1")
    with pytest.raises(NotDrained, match="keep-ping 1"):
        made.runner.drain(patience=timedelta(seconds=0.2))


def test_what_stored_topics_hold_is_in_the_warehouse_once_drained(
    tmp_path: Path, on_ping: OnPing, laptop: MakeLaptop
) -> None:
    assert tmp_path.exists()
    on_ping("keep_ping", RECORD)
    made = laptop()
    attributes = {"type": "proposal-made", "event_id": "e1"}
    made.ports.topics.publish("proposal-made", [Message(b'{"event_id":"e1"}', attributes)] * 2)
    made.ports.topics.publish("proposal-made", [Message(b"\xff", attributes), Message(b"{}", {})])
    assert made.runner.drain().stored == 4
    rows = made.ports.warehouse.query("SELECT event_id, type, body FROM proposal_made").to_pylist()
    assert rows == [{"event_id": "e1", "type": "proposal-made", "body": '{"event_id":"e1"}'}]
    assert [letter["reason"] for letter in dead(made)] == ["not-an-event", "not-an-event"]
    assert all(count.ready == 0 for name, count in made.queue.counts().items() if name.startswith("store-"))


def running(made: Laptop, workers: int = 2) -> tuple[threading.Event, threading.Thread]:
    stop = threading.Event()
    thread = threading.Thread(target=made.runner.run, args=(stop, workers), daemon=True)
    thread.start()
    return stop, thread


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at, "did not happen in time"
        time.sleep(0.01)
