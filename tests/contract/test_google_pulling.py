"""The local runner, driven by Google's Pub/Sub emulator: it delivers, insists, gives up and comes to an end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tombola.adapters.google.topics import GoogleTopics
from tombola.local.emulators.messages import PubSub
from tombola.local.emulators.pulling import PulledQueue
from tombola.local.emulators.running import Running
from tombola.local.host import Host
from tombola.local.queue import Queue
from tombola.local.runner import Route, Runner
from tombola.ports import Ports
from tombola.ports.errors import NotFound
from tombola.ports.topics import Message, Topics
from tombola.runtime import logs
from tombola.runtime.topology import DEAD_LETTERS, Retry, Subscription

QUICK = Retry(ack_deadline=60, minimum_backoff=0, maximum_backoff=1, max_attempts=5)
SUBSCRIPTIONS = [Subscription(name, "order-received", "live", QUICK) for name in ("keep-ping", "count-ping")]
DEFAULTS = Path(__file__).parents[2] / "functions" / "defaults.yaml"
MANIFEST = "summary: Takes a ping.\ntrigger: {topic: order-received}\n"
MAIN = """
from tombola.errors import Conflict
from tombola.events import Event
from tombola.runtime import Delivery, on_event, ports


class Ping(Event):
    TYPE = "order-received"

    text: str = ""


@on_event(Ping)
def {name}(event: Ping, delivery: Delivery) -> None:
    {first}
    ports().objects.replace("reports", f"{name}/{{event.event_id}}", b"")
"""
Told = Callable[[Topics], Topics]
MakeRunner = Callable[[str], tuple[Runner, Ports, PulledQueue]]


@pytest.fixture(autouse=True)
def quiet_log() -> None:
    logs.configure(level="critical")


@pytest.fixture
def queue(pubsub_emulator: Running, pubsub_project: str) -> PulledQueue:
    pubsub = PubSub(pubsub_emulator, pubsub_project)
    for _again in range(2):  # to declare again changes nothing
        pubsub.declare(["order-received"], SUBSCRIPTIONS)
    return PulledQueue(pubsub, SUBSCRIPTIONS)


@pytest.fixture(params=["asking", "told"])
def told(request: pytest.FixtureRequest, queue: PulledQueue) -> Told:
    """Tell the queue what is published, or let it ask."""
    return queue.telling if request.param == "told" else lambda topics: topics


@pytest.fixture
def runner(tmp_path: Path, ports: Ports, queue: PulledQueue, told: Told, pubsub_project: str) -> MakeRunner:
    """Return a maker of a runner of two functions; what the first does before it records its event is given."""

    def make(first: str) -> tuple[Runner, Ports, PulledQueue]:
        folder = tmp_path / "functions"
        for name, does in (("keep_ping", first), ("count_ping", "pass")):
            (folder / name / "events").mkdir(parents=True)
            (folder / name / "events" / "sample.json").write_text("{}", encoding="utf-8")
            (folder / name / "function.yaml").write_text(MANIFEST, encoding="utf-8")
            (folder / name / "main.py").write_text(MAIN.format(name=name, first=does), encoding="utf-8")
        (folder / "defaults.yaml").write_bytes(DEFAULTS.read_bytes())
        pulled = replace(ports, topics=told(GoogleTopics(pubsub_project)))
        routes = [Route(one.name, one.name.replace("-", "_"), live=True) for one in SUBSCRIPTIONS]
        return Runner(Host(folder, pulled), queue, routes), pulled, queue

    return make


def ping(ports: Ports, *event_ids: str) -> None:
    sent = [Message(b'{"event_id": "%s"}' % one.encode(), {"type": "order-received"}) for one in event_ids]
    ports.topics.publish("order-received", sent)


def recorded(ports: Ports) -> list[str]:
    return [info.ref.name for info in ports.objects.list("reports")]


def test_what_the_runner_pulls_is_what_it_knows_as_a_queue(queue: PulledQueue) -> None:
    assert isinstance(queue, Queue)
    assert (queue.due(), queue.next_due(), list(queue.recent("order-received", 10))) == (set(), None, [])
    with pytest.raises(NotFound):
        queue.lease("nobody", 1)


def test_every_subscription_gets_every_message_and_the_queue_drains(runner: MakeRunner) -> None:
    driven, ports, queue = runner("pass")
    ping(ports, *(f"{number:03}" for number in range(300)))
    tally = driven.drain()
    assert (tally.acknowledged, tally.retried) == (600, 0)
    assert len(recorded(ports)) == 600
    assert queue.next_due() is None


def test_what_fails_comes_again_after_its_back_off(runner: MakeRunner) -> None:
    driven, ports, _ = runner("if delivery.attempt < 3: raise RuntimeError('not yet')")
    ping(ports, "1")
    tally = driven.drain()
    assert (tally.acknowledged, tally.retried) == (2, 2)
    assert recorded(ports) == ["count_ping/1", "keep_ping/1"]


def test_what_always_fails_becomes_a_dead_letter_that_can_be_sent_again(runner: MakeRunner) -> None:
    driven, ports, queue = runner("if not list(ports().objects.list('config', 'mended')): raise RuntimeError('always')")
    ping(ports, "1")
    assert driven.drain(timedelta(seconds=20)).retried == QUICK.max_attempts
    [letter] = queue.recent(DEAD_LETTERS, 10)
    assert letter.attributes["CloudPubSubDeadLetterSourceSubscription"] == "keep-ping"
    assert queue.counts()[DEAD_LETTERS].ready == 1
    ports.objects.replace("config", "mended", b"")
    assert queue.redrive([letter.message_id, letter.message_id, "99999"]) == 1
    driven.drain()
    assert recorded(ports) == ["count_ping/1", "keep_ping/1"]
    assert list(queue.recent(DEAD_LETTERS, 10)) == []


def test_a_permanent_fault_is_a_dead_letter_at_once_which_can_be_discarded(runner: MakeRunner) -> None:
    driven, ports, queue = runner("raise Conflict('no', code='not-so')")
    ping(ports, "1")
    assert driven.drain().retried == 0
    [letter] = queue.recent(DEAD_LETTERS, 10)
    assert letter.attributes["reason"] == "not-so"
    assert queue.discard([letter.message_id]) == 1
    assert list(queue.recent(DEAD_LETTERS, 10)) == []


def test_what_a_stopped_runner_held_is_delivered_again(runner: MakeRunner) -> None:
    driven, ports, queue = runner("pass")
    ping(ports, "1", "2")
    while "keep-ping" not in queue.due():
        pass
    queue.lease("keep-ping", 1)
    assert [one.data for one in queue.recent("order-received", 1)] == [b'{"event_id": "2"}']
    assert queue.release_all() == 4
    driven.drain()
    assert len(recorded(ports)) == 4
