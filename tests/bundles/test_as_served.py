"""Functions under the server of the platform, on embedded adapters: many requests at once, and the end of a process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.bundles.serving import ROOT, Reply, Service, served
from tests.bundles.shapes import Request
from tests.bundles.stories import STORIES
from tests.bundles.world import EARLIER, NOW, World, furnish

from tombola.adapters.embedded.topics import EmbeddedTopics
from tombola.ports.topics import Message
from tombola.runtime import wiring
from tombola.runtime.manifests import HttpTrigger, read_manifests
from tombola.runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Serve = Callable[..., AbstractContextManager[Service]]

THREADS = 16
HTTP = sorted(name for name, one in read_manifests(ROOT / "functions").items() if isinstance(one.trigger, HttpTrigger))
SLOW = """
import time
from pathlib import Path
from typing import ClassVar
from tombola.events import Event
from tombola.runtime import on_event, ports

class BellRung(Event):
    TYPE: ClassVar[str] = "bell-rung"

@on_event(BellRung)
def ring_bell(event, delivery):
    Path("begun").touch()
    time.sleep(2)
    outbound = event.outbound()
    ports().topics.publish("play-changed", [outbound.message])
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return the shop on the embedded adapters, furnished; the clock stands still."""
    settings = Settings(home=tmp_path / "home", functions=ROOT / "functions", replay_from=NOW)
    now = wiring.build(settings)
    earlier = wiring.build(settings.model_copy(update={"replay_from": EARLIER}))
    furnish(now)
    assert isinstance(now.topics, EmbeddedTopics)
    topics = now.topics
    heard = lambda topic: [Message(one.data, one.attributes) for one in topics.recent(topic, 1_000_000)]  # noqa: E731 (short)
    return World(now, earlier, heard)


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Return a server of functions on the same home."""
    environment = {
        "TOMBOLA_HOME": str(tmp_path / "home"), "TOMBOLA_FUNCTIONS": str(ROOT / "functions"),
        "TOMBOLA_REPLAY_FROM": NOW.isoformat(), "THREADS": str(THREADS),
        **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
    }  # fmt: skip
    program = Path(sys.executable).parent / "functions-framework"
    return lambda name, main: served(program, main, name, environment, tmp_path / f"{name}.log")


@pytest.mark.parametrize("name", HTTP)
def test_sixteen_threads_at_a_time_are_answered_right(name: str, world: World, serve: Serve) -> None:
    stories = [STORIES[name](world, number) for number in range(THREADS if name == "export_report" else 3 * THREADS)]
    asked = [next(story) for story in stories]
    together = threading.Barrier(THREADS)

    def ask(service: Service, request: Request) -> Reply:
        together.wait()
        return service.send(request)

    with serve(name, ROOT / "functions" / name / "main.py") as service, ThreadPoolExecutor(THREADS) as pool:
        replies = list(pool.map(lambda request: ask(service, request), asked))
    for story, reply in zip(stories, replies, strict=True):
        with pytest.raises(StopIteration):
            story.send(reply)
    assert world.heard("dead-letters") == []


def test_what_was_begun_ends_when_the_process_is_told_to(world: World, serve: Serve, tmp_path: Path) -> None:
    main = tmp_path / "ring_bell" / "main.py"
    main.parent.mkdir()
    main.write_text(SLOW, encoding="utf-8")
    bell = Request(b'{"message": {"data": "eyJldmVudF9pZCI6ICIwYTFiIn0=", "messageId": "1"}}')
    with serve("ring_bell", main) as service, ThreadPoolExecutor(1) as pool:
        running = pool.submit(service.send, bell)
        while not (main.parent / "begun").exists():
            time.sleep(0.01)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(ConnectionError):
            service.send(bell)
        assert running.result().status == 204
        assert service.process.wait(10) == 0
    assert [event["event_id"] for event in world.told("play-changed")] == ["0a1b"]
