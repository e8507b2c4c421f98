"""Functions written on the spot, under the real functions-framework, over real embedded adapters."""

import base64
import io
import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import functions_framework
import pytest
import stamina
from flask.testing import FlaskClient

from tombola.adapters.embedded.topics import EmbeddedTopics, Kept
from tombola.ports import Ports
from tombola.runtime import logs, wiring

Load = Callable[[str, str], FlaskClient]
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Everything that is logged during the test."""
    caught = io.StringIO()
    logs.configure(caught, level="debug", project="some-project")
    yield caught
    logs.configure()


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    """Return what was logged, decoded: every line is one JSON object."""
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def load(tmp_path: Path, ports: Ports, stream: io.StringIO) -> Iterator[Load]:
    """Return a loader of functions from their source text: `load(name, source)` gives a client of the function."""
    assert not stream.closed
    wiring.install(ports)

    def loaded(name: str, source: str) -> FlaskClient:
        path = tmp_path / name / "main.py"
        path.parent.mkdir()
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        app = functions_framework.create_app(name, str(path), "http")
        client: FlaskClient = app.test_client()
        return client

    yield loaded
    wiring.install(None)


@pytest.fixture
def fast_retries() -> Iterator[None]:
    """Decide lost races again four times in all, without waiting."""
    with stamina.set_testing(testing=True, attempts=3, cap=True):
        yield


@pytest.fixture
def letters(ports: Ports) -> Callable[[], list[Kept]]:
    """Return a reader of the dead letters."""

    def read() -> list[Kept]:
        assert isinstance(ports.topics, EmbeddedTopics)
        return ports.topics.recent("dead-letters", 1000)

    return read


@pytest.fixture
def push() -> Callable[..., dict[str, Any]]:
    """Return a maker of Pub/Sub push bodies."""

    def make(
        data: bytes, attributes: Mapping[str, str] | None = None, *, attempt: int | None = 3, name: str = "ring-bell"
    ) -> dict[str, Any]:
        message = {
            "data": base64.b64encode(data).decode(),
            "attributes": dict(attributes or {}),
            "messageId": "8263549",
            "publishTime": "2017-06-15T12:00:00.123456789Z",
        }
        count = {} if attempt is None else {"deliveryAttempt": attempt}
        return {"message": message, "subscription": f"projects/local/subscriptions/{name}", **count}

    return make
