"""Small folders of functions, and a laptop over them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tombola.adapters.embedded.topics import EmbeddedTopics, Subscription
from tombola.local.laptop import Laptop, assemble
from tombola.runtime import wiring
from tombola.runtime.settings import Settings

MakeLaptop = Callable[..., Laptop]
DEFAULTS = Path(__file__).parents[3] / "functions" / "defaults.yaml"
EVENT = """
from tombola.events import Event
from tombola.runtime import Delivery, on_event, ports


class Ping(Event):
    TYPE = "order-received"

    text: str = ""


@on_event(Ping)
def {name}(event: Ping, delivery: Delivery) -> None:
{body}
"""
EVENT_MANIFEST = "summary: Takes a ping.\ntrigger: {topic: order-received, lanes: [live, bulk]}\n"


def write_function(folder: Path, name: str, manifest: str, source: str) -> None:
    """Write one function, with a sample event."""
    events = folder / name / "events"
    events.mkdir(parents=True)
    (events / "sample.json").write_text("{}", encoding="utf-8")
    (folder / name / "function.yaml").write_text(manifest, encoding="utf-8")
    (folder / name / "main.py").write_text(source, encoding="utf-8")


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """Return a folder of functions that holds none yet."""
    folder = tmp_path / "functions"
    folder.mkdir()
    (folder / "defaults.yaml").write_bytes(DEFAULTS.read_bytes())
    return folder


@pytest.fixture
def on_ping(functions: Path) -> Callable[[str, str], None]:
    """Return a maker of functions that take a ping, given name and body."""

    def write(name: str, body: str) -> None:
        indented = "\n".join(f"    {line}" for line in body.splitlines())
        write_function(functions, name, EVENT_MANIFEST, EVENT.format(name=name, body=indented))

    return write


@pytest.fixture
def laptop(tmp_path: Path, functions: Path) -> Iterator[MakeLaptop]:
    """Return a maker of a laptop over what `functions` then holds, whose retries come after a hundredth of a second."""

    def make(max_attempts: int = 5) -> Laptop:
        home = tmp_path / "home"
        ports = wiring.build(Settings(home=home, functions=functions))
        topics = ports.topics
        assert isinstance(topics, EmbeddedTopics)
        quick = [
            Subscription(one.name, one.topic, max_attempts=max_attempts, minimum_backoff=0.01, maximum_backoff=0.05)
            for one in topics.subscriptions()
        ]
        topics.declare(quick)
        return assemble(home, ports, functions)

    yield make
    wiring.install(None)
