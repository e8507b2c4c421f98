"""The helpers for tests do what the platform does."""

from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from tombola.adapters.embedded.clock import ReplayClock
from tombola.errors import Unknown
from tombola.events import BULK, Event
from tombola.ports import Ports
from tombola.runtime import Answer, Delivery, HttpRequest, ObjectNotice, on_event, on_http, on_object, ports, wiring
from tombola.runtime.messages import decode
from tombola.runtime.testing import (
    START,
    body_of,
    call,
    fake_clock,
    function_in,
    published,
    push,
    recorded_ports,
    sample_events,
    using,
)

FUNCTIONS = Path(__file__).parents[3] / "functions"
pytestmark = pytest.mark.usefixtures("stream")


class BellRung(Event):
    TYPE: ClassVar[str] = "draws-sealed"

    times: int


@on_event(BellRung)
def repeat_bell(event: BellRung, delivery: Delivery) -> None:
    ports().documents.commit([], [event.model_copy(update={"times": delivery.attempt}).outbound()])


@on_object
def note_object(notice: ObjectNotice) -> None:
    ports().documents.commit([], [BellRung(event_id=notice.name, times=notice.generation).outbound()])


@on_http(methods=("POST", "GET"))
def echo(request: HttpRequest) -> Answer:
    return Answer({"path": request.path, "body": request.body.decode(), "who": request.headers.get("x-who")}, 201)


@pytest.fixture
def home(tmp_path: Path) -> Ports:
    """Return ports as a team's own test makes them."""
    return recorded_ports(tmp_path / "own", fake_clock())


def test_an_event_is_sent_as_pubsub_pushes_it_and_what_is_published_can_be_read(home: Ports) -> None:
    with using(home):
        assert call(repeat_bell, BellRung(event_id="1", times=9)).status_code == 204
        again = push(BellRung(event_id="2", times=9).outbound().message, attempt=3)
        assert call(repeat_bell, again).status_code == 204
    assert [(one["event_id"], one["times"]) for one in published(home, "draws-sealed")] == [("1", 1), ("2", 3)]


def test_an_object_is_sent_as_cloud_storage_announces_it(home: Ports) -> None:
    ref = home.objects.replace("inbox", "corner-shop/orders/o.csv", b"x")
    with using(home):
        assert call(note_object, ref).status_code == 204
    assert [one["times"] for one in published(home, "draws-sealed")] == [ref.generation]


def test_a_request_is_answered() -> None:
    answer = call(echo, {"a": 1}, path="/shop?x=1", headers={"X-Who": "ann"})
    assert (answer.status_code, answer.json) == (201, {"path": "/shop", "body": '{"a": 1}', "who": "ann"})
    assert call(echo, method="GET").json["path"] == "/"
    assert call(echo, method="PUT").status_code == 405


def test_lanes_are_those_of_the_sender() -> None:
    delivery = decode({"content-type": "application/json"}, body_of(BellRung(event_id="1", times=1), BULK))
    assert delivery.lane == BULK


def test_the_clock_stands_until_it_is_moved(home: Ports) -> None:
    clock = home.clock
    assert isinstance(clock, ReplayClock)
    clock.advance(timedelta(hours=1))
    assert home.clock.now() == START + timedelta(hours=1)


def test_the_ports_are_given_back_at_the_end_of_the_block_whatever_happens(home: Ports) -> None:
    with pytest.raises(ZeroDivisionError), using(home):
        raise ZeroDivisionError
    assert wiring._installed is None


def test_a_functions_own_samples_and_code_are_found_by_its_name() -> None:
    assert set(sample_events("record_order")) == {"feed.json", "webhook.json"}
    assert function_in(FUNCTIONS / "record_order").__name__ == "record_order"
    with pytest.raises(Unknown, match="no_such has no sample events"):
        sample_events("no_such")
