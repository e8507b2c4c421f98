"""The laptop as whole processes: killed, interrupted, started again."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tombola.adapters.embedded.topics import EmbeddedTopics
from tombola.local.laptop import Laptop, assemble
from tombola.local.watching import Watcher
from tombola.ports.topics import Message
from tombola.runtime import logs, wiring
from tombola.runtime.settings import Settings

DEFAULTS = Path(__file__).parents[2] / "functions" / "defaults.yaml"
KEEP_PING = '''
"""Keeps one object per event, and one more for every time it is called; from the 150th on only when allowed."""
import time
import uuid

from tombola.events import Event
from tombola.runtime import Delivery, on_event, ports


class Ping(Event):
    TYPE = "order-received"


@on_event(Ping)
def keep_ping(event: Ping, delivery: Delivery) -> None:
    ports().objects.replace("reports", f"events/{event.event_id}", b"")
    ports().objects.replace("reports", f"calls/{uuid.uuid4()}", b"")
    while event.event_id >= "150" and not list(ports().objects.list("config", "go-on")):
        time.sleep(0.01)
'''
KEEP_FILE = '''
"""Keeps one object per generation of a file, and one more for every time it is called."""
import uuid

from tombola.runtime import ObjectNotice, on_object, ports


@on_object
def keep_file(notice: ObjectNotice) -> None:
    ports().objects.replace("reports", f"files/{notice.generation}", notice.name.encode())
    ports().objects.replace("reports", f"calls/{uuid.uuid4()}", b"")
'''
SAY_HELLO = '''
"""Says hello."""
from tombola.runtime import Answer, HttpRequest, on_http


@on_http(methods=("POST",))
def say_hello(request: HttpRequest) -> Answer:
    return Answer({"hello": request.path})
'''
MANIFESTS = {
    "keep_ping": ("summary: Keeps pings.\ntrigger: {topic: order-received, lanes: [live, bulk]}\n", KEEP_PING),
    "keep_file": ("summary: Keeps files.\ntrigger: {bucket: inbox}\n", KEEP_FILE),
    "say_hello": ("summary: Says hello.\ntrigger: {http: POST, public: false}\n", SAY_HELLO),
}
RUN = """
import sys, threading
from pathlib import Path
from tombola.local.laptop import assemble
from tombola.runtime import wiring
from tombola.runtime.settings import Settings

home, functions = Path(sys.argv[1]), Path(sys.argv[2])
assemble(home, wiring.build(Settings(home=home, functions=functions)), functions).runner.run(threading.Event())
"""


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """Return a folder with three small functions."""
    folder = tmp_path / "functions"
    for name, (manifest, source) in MANIFESTS.items():
        (folder / name / "events").mkdir(parents=True)
        (folder / name / "events" / "sample.json").write_text("{}", encoding="utf-8")
        (folder / name / "function.yaml").write_text(manifest, encoding="utf-8")
        (folder / name / "main.py").write_text(source, encoding="utf-8")
    (folder / "defaults.yaml").write_bytes(DEFAULTS.read_bytes())
    return folder


@pytest.fixture
def laptop(tmp_path: Path, functions: Path) -> Iterator[Callable[[], Laptop]]:
    """Return a maker of a laptop in this process, over the same home."""

    def make() -> Laptop:
        home = tmp_path / "home"
        return assemble(home, wiring.build(Settings(home=home, functions=functions)), functions)

    logs.configure(level="critical")
    yield make
    wiring.install(None)


def tombola(*arguments: str, functions: Path) -> "subprocess.Popen[str]":
    return python("-m", "tombola", *arguments, functions=functions)


def python(*arguments: str, functions: Path) -> "subprocess.Popen[str]":
    """Start this interpreter, with both outputs to be read."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "TOMBOLA_FUNCTIONS": str(functions)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def kept(made: Laptop, kind: str) -> list[str]:
    return [info.ref.name for info in made.ports.objects.list("reports", f"{kind}/")]


def until(holds: Callable[[], bool], seconds: float = 120) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at, "did not happen in time"
        time.sleep(0.02)


def test_a_runner_killed_with_messages_in_flight_loses_none(
    tmp_path: Path, functions: Path, laptop: Callable[[], Laptop]
) -> None:
    made = laptop()
    pings = [Message(json.dumps({"event_id": f"{number:03}"}).encode(), {}) for number in range(200)]
    made.ports.topics.publish("order-received-bulk", pings)
    topics = made.ports.topics
    assert isinstance(topics, EmbeddedTopics)
    running = python("-c", RUN, str(tmp_path / "home"), str(functions), functions=functions)

    def stands_still_in_the_middle() -> bool:
        running.send_signal(signal.SIGSTOP)
        if len(kept(made, "events")) >= 20 and topics.counts()["keep-ping-bulk"].in_flight:
            return True
        running.send_signal(signal.SIGCONT)
        return False

    until(stands_still_in_the_middle)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert len(kept(made, "events")) < 200

    made.ports.objects.replace("config", "go-on", b"")
    made.runner.recover()
    made.runner.drain()
    assert len(kept(made, "events")) == 200
    assert len(kept(made, "calls")) >= 200
    assert topics.recent("dead-letters", 1) == []


def test_two_notifications_of_one_file_do_no_harm(tmp_path: Path, laptop: Callable[[], Laptop]) -> None:
    made, home = laptop(), tmp_path / "home"
    (home / "inbox" / "acme" / "orders").mkdir(parents=True)
    (home / "inbox" / "acme" / "orders" / "a.csv").write_bytes(b"a\n")
    made.watcher.scan()
    (home / "notified.sqlite").unlink()
    Watcher(home, made.ports.objects, made.ports.topics).scan()
    made.runner.drain()
    assert (len(kept(made, "calls")), len(kept(made, "files"))) == (2, 1)


class Dev:
    """A `tombola dev` of its own process."""

    def __init__(self, home: Path, functions: Path) -> None:
        self.home = home
        self.process = tombola("dev", "--port", "0", "--home", str(home), functions=functions)
        assert self.process.stdout is not None
        address = self.process.stdout.readline()
        assert address.startswith("console "), self.process.communicate()
        self.port = int(address.rstrip("/\n").rpartition(":")[2])

    def ask(self, path: str, data: bytes | None = None, **headers: str) -> tuple[int, str, bytes]:
        """Return status, content type and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET" if data is None else "POST", path, data, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read()
        finally:
            connection.close()

    def interrupt(self) -> tuple[int, str]:
        """Return exit code and what it said."""
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=60)
        return self.process.returncode, said


@pytest.fixture
def dev(tmp_path: Path, functions: Path) -> Iterator[Dev]:
    """Return a `tombola dev` that listens, on a port of the system's choice."""
    started = Dev(tmp_path / "home", functions)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


def test_dev_serves_console_and_functions_and_watches_its_inbox(dev: Dev, functions: Path) -> None:
    assert dev.ask("/")[:2] == (200, "text/html; charset=utf-8")
    assert dev.ask("/say-hello/you", b"{}")[2] == b'{"hello":"/you"}'
    status, kind, body = dev.ask("/say-nothing", b"{}")
    assert (status, kind) == (404, "application/problem+json")
    assert "say-hello" in json.loads(body)["problems"][0]["expected"]

    inbox = dev.home / "inbox" / "corner-shop" / "orders"
    inbox.mkdir(parents=True)
    (inbox / "a.csv").write_bytes(b"a\n")
    until(lambda: any((dev.home / "reports").glob("files/*")))
    state = json.loads(dev.ask("/console/state")[2])
    assert state["retailers"] == ["corner-shop"]
    assert {one["subscription"] for one in state["queues"]} >= {"keep-file", "keep-ping", "store-play-changed"}

    assert dev.ask("/console/state", Host="rebound.example")[0] == 403
    assert dev.ask("/say-hello", b"{}", Origin="https://elsewhere.example")[0] == 403
    assert dev.ask("/console/send-again", b"{}", Origin="https://elsewhere.example")[0] == 403

    second = tombola("dev", "--home", str(dev.home), functions=functions)
    out, err = second.communicate(timeout=60)
    assert (second.returncode, out) == (2, "")
    assert "another tombola already runs" in err

    code, said = dev.interrupt()
    assert (code, "stopping" in said) == (0, True)


def test_a_port_that_is_taken_is_a_clear_error(tmp_path: Path, functions: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        process = tombola("dev", "--port", str(port), "--home", str(tmp_path / "home"), functions=functions)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.startswith(f"tombola: port {port} of 127.0.0.1 cannot be used")
    assert "Traceback" not in err
