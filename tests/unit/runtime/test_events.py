"""Functions that events trigger: the right answer for every way a call can end."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tombola.adapters.embedded.topics import EmbeddedTopics, Kept
from tombola.ports import Ports
from tombola.ports.errors import Unavailable
from tombola.ports.topics import Message
from tombola.runtime import wiring

Load = Callable[[str, str], FlaskClient]
Lines = Callable[[], list[dict[str, Any]]]
Push = Callable[..., dict[str, Any]]
Letters = Callable[[], list[Kept]]

BELL = """
    from typing import ClassVar
    from tombola.errors import Gone, Malformed, Problem
    from tombola.events import Event
    from tombola.ports.errors import NotFound, PreconditionFailed, Refused, Unavailable
    from tombola.runtime import Delivery, on_event, ports

    class BellRung(Event):
        TYPE: ClassVar[str] = "bell-rung"
        word: str
        times: int = 1

    heard = []

    @on_event(BellRung)
    def ring_bell(event: BellRung, delivery: Delivery) -> None:
        heard.append((event, delivery))
        print(event.word, delivery.lane, delivery.attempt, delivery.subscription, len(heard))
        match event.word:
            case "gone": raise Gone("the bell secretword is gone", code="bell-gone")
            case "two": raise Malformed("two faults", [
                Problem("lines.1", "secretword", "a whole number"), Problem("lines.2", "secretword", "text")])
            case "refused": raise Refused("secretword is over the limit")
            case "race": raise PreconditionFailed("secretword")
            case "race-twice" if len(heard) < 3: raise PreconditionFailed("secretword")
            case "outage": raise Unavailable("secretword")
            case "missing": raise NotFound("secretword")
            case "bug": raise ZeroDivisionError("secretword")
"""


def body(word: str, **more: object) -> bytes:
    return json.dumps({"event_id": "0a1b", "word": word, **more}).encode()


def test_a_handled_event_is_acknowledged(
    load: Load, push: Push, letters: Letters, capsys: pytest.CaptureFixture[str]
) -> None:
    client = load("ring_bell", BELL)
    answer = client.post("/", json=push(body("ding"), {"lane": "bulk", "type": "bell-rung"}))
    assert (answer.status_code, answer.data) == (204, b"")
    assert capsys.readouterr().out == "ding bulk 3 ring-bell 1\n"
    assert letters() == []


def test_fields_that_a_newer_producer_added_are_ignored(load: Load, push: Push, letters: Letters) -> None:
    assert load("ring_bell", BELL).post("/", json=push(body("ding", pitch="high"))).status_code == 204
    assert letters() == []


def test_a_permanent_fault_goes_to_the_dead_letters_and_is_acknowledged(
    load: Load, push: Push, letters: Letters
) -> None:
    sent = body("gone")
    assert load("ring_bell", BELL).post("/", json=push(sent, {"lane": "bulk", "mine": "x"})).status_code == 204
    (letter,) = letters()
    assert letter.data == sent
    assert letter.attributes == {
        "lane": "bulk",
        "mine": "x",
        "reason": "bell-gone",
        "detail": "bell gone",
        "function": "ring_bell",
        "source_message_id": "8263549",
        "CloudPubSubDeadLetterSourceTopic": "bell-rung-bulk",
        "CloudPubSubDeadLetterSourceSubscription": "ring-bell",
        "CloudPubSubDeadLetterSourceDeliveryCount": "3",
    }


def test_a_dead_letter_names_every_problem_without_what_was_found(load: Load, push: Push, letters: Letters) -> None:
    load("ring_bell", BELL).post("/", json=push(body("two")))
    (letter,) = letters()
    assert letter.attributes["detail"] == "lines.1: expected a whole number; lines.2: expected text"


def test_a_dead_letter_can_be_sent_again_to_where_it_died(
    load: Load, push: Push, letters: Letters, ports: Ports
) -> None:
    assert isinstance(ports.topics, EmbeddedTopics)
    load("ring_bell", BELL).post("/", json=push(body("gone"), name="test-order-received"))
    assert ports.topics.redrive([letters()[0].message_id]) == 1
    assert [kept.data for kept in ports.topics.recent("order-received", 10)] == [body("gone")]


@pytest.mark.parametrize(
    ("data", "attributes", "reason", "detail"),
    [
        (b"", {}, "malformed-event", "body: expected JSON"),
        (b"\x00\xff", {}, "malformed-event", "body: expected JSON"),
        (b"[]", {}, "malformed-event", "body: expected "),
        (b'{"event_id": 5, "times": "often"}', {}, "malformed-event", "times: expected "),
        (
            b'{"event_id": "1", "word": "ding"}',
            {"type": "order-received"},
            "wrong-event-type",
            "type: expected bell-rung",
        ),
    ],
)
def test_a_body_that_is_not_the_event_is_a_dead_letter(
    load: Load, push: Push, letters: Letters, data: bytes, attributes: dict[str, str], reason: str, detail: str
) -> None:
    assert load("ring_bell", BELL).post("/", json=push(data, attributes)).status_code == 204
    (letter,) = letters()
    assert (letter.data, letter.attributes["reason"]) == (data, reason)
    assert detail in letter.attributes["detail"]


def test_a_request_in_no_known_shape_is_a_dead_letter_as_it_came(load: Load, letters: Letters) -> None:
    assert load("ring_bell", BELL).post("/", data=b"\xffgarbage").status_code == 204
    (letter,) = letters()
    assert (letter.data, letter.attributes["reason"]) == (b"\xffgarbage", "malformed-envelope")


def test_attributes_that_no_topic_takes_do_not_keep_a_letter_from_being_written(
    load: Load, push: Push, letters: Letters
) -> None:
    wild = {**{f"a{i}": "x" for i in range(150)}, "long": "x" * 2000, "k" * 300: "y", "googfoo": "z", "reason": "none"}
    assert load("ring_bell", BELL).post("/", json=push(body("gone"), wild)).status_code == 204
    (letter,) = letters()
    assert len(letter.attributes) == 100
    assert letter.attributes["reason"] == "bell-gone"


def test_a_limit_of_a_port_is_a_permanent_fault(load: Load, push: Push, letters: Letters, lines: Lines) -> None:
    assert load("ring_bell", BELL).post("/", json=push(body("refused"))).status_code == 204
    assert letters()[0].attributes["reason"] == "beyond-limits"
    assert "tombola.ports.errors.Refused" in lines()[-1]["stack_trace"]


@pytest.mark.usefixtures("fast_retries")
def test_a_lost_race_is_decided_again(load: Load, push: Push, capsys: pytest.CaptureFixture[str], lines: Lines) -> None:
    assert load("ring_bell", BELL).post("/", json=push(body("race-twice"))).status_code == 204
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert [line["outcome"] for line in lines()] == ["done"]


@pytest.mark.usefixtures("fast_retries")
def test_a_race_lost_every_time_is_left_to_redelivery(
    load: Load, push: Push, letters: Letters, capsys: pytest.CaptureFixture[str], lines: Lines
) -> None:
    answer = load("ring_bell", BELL).post("/", json=push(body("race")))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert letters() == []
    assert [(line["outcome"], line["severity"]) for line in lines()] == [("lost-race", "WARNING")]


@pytest.mark.parametrize(
    ("word", "status", "outcome"), [("outage", 503, "unavailable"), ("missing", 500, "failed"), ("bug", 500, "failed")]
)
def test_an_outage_is_left_to_redelivery_and_logged_with_its_stack(
    load: Load, push: Push, letters: Letters, lines: Lines, word: str, status: int, outcome: str
) -> None:
    answer = load("ring_bell", BELL).post("/", json=push(body(word)))
    assert answer.status_code == status
    assert b"secretword" not in answer.data
    assert letters() == []
    (line,) = lines()
    assert line["outcome"] == outcome
    assert line["stack_trace"].startswith("Traceback (most recent call last):\n")
    assert "ring_bell/main.py" in line["stack_trace"]
    assert "secretword" not in line["stack_trace"].splitlines()[-1]


class SilentTopics:
    """Topics during an outage."""

    def publish(self, topic: str, messages: object) -> None:  # noqa: ARG002 (the port's arguments)
        msg = "nobody answers"
        raise Unavailable(msg)


def test_when_even_the_dead_letters_are_out_of_order_the_message_comes_again(
    load: Load, push: Push, ports: Ports, lines: Lines
) -> None:
    client = load("ring_bell", BELL)
    wiring.install(replace(ports, topics=SilentTopics()))
    assert client.post("/", json=push(body("gone"))).status_code == 503
    assert lines()[-1]["outcome"] == "unavailable"


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "options"])
def test_a_message_is_only_taken_by_post(load: Load, letters: Letters, method: str) -> None:
    answer = getattr(load("ring_bell", BELL), method)("/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert letters() == []


def test_a_body_beyond_any_message_is_refused_unread(load: Load, letters: Letters) -> None:
    client = load("ring_bell", BELL)
    assert client.post("/", environ_overrides={"CONTENT_LENGTH": "99000000"}).status_code == 413
    assert letters() == []


FILES = """
    from tombola.errors import Unknown
    from tombola.runtime import ObjectNotice, on_object

    @on_object
    def take_file(notice: ObjectNotice) -> None:
        print(notice)
        if notice.name.startswith("nobody/"):
            raise Unknown("nobody", code="unknown-retailer")
"""


def notice(name: str = "acme/orders/a.csv", bucket: str = "inbox", kind: str = "OBJECT_FINALIZE") -> dict[str, str]:
    return {"bucketId": bucket, "objectId": name, "objectGeneration": "7", "eventType": kind, "payloadFormat": "NONE"}


def test_a_new_object_reaches_its_function(load: Load, push: Push, capsys: pytest.CaptureFixture[str]) -> None:
    assert load("take_file", FILES).post("/", json=push(b"", notice())).status_code == 204
    said = "ObjectNotice(bucket='inbox', name='acme/orders/a.csv', generation=7, event_type='OBJECT_FINALIZE')\n"
    assert capsys.readouterr().out == said


def test_other_events_of_a_bucket_are_acknowledged_and_ignored(
    load: Load, push: Push, capsys: pytest.CaptureFixture[str], letters: Letters, lines: Lines
) -> None:
    assert load("take_file", FILES).post("/", json=push(b"", notice(kind="OBJECT_DELETE"))).status_code == 204
    assert (capsys.readouterr().out, letters(), lines()[-1]["outcome"]) == ("", [], "ignored")


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        (notice("nobody/orders/a.csv"), "unknown-retailer"),
        (notice(bucket="somebody-elses"), "unknown-bucket"),
        ({"eventType": "OBJECT_FINALIZE"}, "malformed-notice"),
    ],
)
def test_a_notification_at_fault_is_a_dead_letter(
    load: Load, push: Push, letters: Letters, attributes: dict[str, str], reason: str
) -> None:
    assert load("take_file", FILES).post("/", json=push(b"{}", attributes)).status_code == 204
    assert [letter.attributes["reason"] for letter in letters()] == [reason]


CLOCKWORK = """
    from tombola.errors import Gone
    from tombola.ports.errors import PreconditionFailed, Unavailable
    from tombola.ports.topics import Message
    from tombola.runtime import on_schedule, ports

    @on_schedule
    def wind_up() -> None:
        ports().topics.publish("feed-validated", [Message(b"{}")])
        match ports().topics.topics.recent("order-received", 1):
            case [kept] if kept.data == b"fault": raise Gone("gone", code="superseded")
            case [kept] if kept.data == b"outage": raise Unavailable("down")
            case [kept] if kept.data == b"race": raise PreconditionFailed("lost")
"""


def test_a_schedule_needs_nothing_of_the_body(load: Load, ports: Ports) -> None:
    client = load("wind_up", CLOCKWORK)
    assert [client.post("/", data=data).status_code for data in (b"", b"{}", b"\xff" * 1000)] == [204] * 3
    assert client.get("/").status_code == 405
    assert isinstance(ports.topics, EmbeddedTopics)
    assert len(ports.topics.recent("feed-validated", 10)) == 3


@pytest.mark.usefixtures("fast_retries")
@pytest.mark.parametrize(("trouble", "status"), [(b"fault", 500), (b"outage", 503), (b"race", 503)])
def test_whatever_goes_wrong_in_a_schedule_is_seen_to_be_ours(
    load: Load, ports: Ports, lines: Lines, trouble: bytes, status: int
) -> None:
    ports.topics.publish("order-received", [Message(trouble)])
    assert load("wind_up", CLOCKWORK).post("/").status_code == status
    assert lines()[-1]["severity"] in {"WARNING", "ERROR"}
    assert "stack_trace" in lines()[-1]
