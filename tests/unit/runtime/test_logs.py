"""What a log line may say, and what must never stand in one."""

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from tombola.runtime import logs
from tombola.runtime.faults import Misconfigured

Load = Callable[[str, str], FlaskClient]
Lines = Callable[[], list[dict[str, Any]]]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECRET = "hunter2-shopper-4711"

PRIZE = """
    import logging
    from typing import ClassVar
    from tombola.errors import Malformed, Problem
    from tombola.events import Event
    from tombola.runtime import Answer, Delivery, HttpRequest, on_event, on_http
    from tombola.runtime.logs import logger

    class PrizeDrawn(Event):
        TYPE: ClassVar[str] = "prize-drawn"
        shopper: str
        times: int = 0

    @on_event(PrizeDrawn)
    def draw_prize(event: PrizeDrawn, delivery: Delivery) -> None:
        logging.getLogger("library").warning("cannot serve %s", event.shopper)
        logging.getLogger("library").warning(f"cannot serve {event.shopper}")
        logger().info("drawing", shopper=event.shopper, function=event.shopper, count=3)
        if event.times == 1:
            PrizeDrawn.model_validate({"event_id": event.shopper, "times": event.shopper})
        if event.times == 2:
            raise Malformed(event.shopper, [Problem(event.shopper, event.shopper, event.shopper)])
        if event.times == 3:
            try:
                {}[event.shopper]
            except KeyError as error:
                raise ValueError(event.shopper) from error

    @on_http()
    def ask_prize(request: HttpRequest) -> Answer:
        event = request.parse(PrizeDrawn)
        draw = PrizeDrawn.model_validate({"shopper": event.shopper})
        return Answer(draw)
"""


def test_a_request_leaves_one_line_in_the_field_names_of_cloud_logging(
    load: Load, push: Callable[..., dict[str, Any]], lines: Lines
) -> None:
    client = load("draw_prize", PRIZE.replace("logging.getLogger", "# ").replace("logger().info", "# "))
    body = push(b'{"event_id": "0a", "shopper": "x"}', {"event_id": "0a" * 16, "lane": "bulk"})
    client.post("/", json=body, headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    (line,) = lines()
    assert 0 <= line.pop("duration_ms") < 10_000
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "severity": "INFO",
        "message": "request",
        "function": "draw_prize",
        "outcome": "done",
        "status": 204,
        "attempt": 3,
        "lane": "bulk",
        "message_id": "8263549",
        "subscription": "ring-bell",
        "event_id": "0a" * 16,
        "logging.googleapis.com/trace": f"projects/some-project/traces/{TRACE}",
        "logging.googleapis.com/spanId": SPAN,
        "logging.googleapis.com/trace_sampled": True,
    }


@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_no_word_of_a_payload_reaches_the_log(
    load: Load, push: Callable[..., dict[str, Any]], stream: io.StringIO, times: int
) -> None:
    client = load("draw_prize", PRIZE)
    data = json.dumps({"event_id": SECRET, "shopper": SECRET, "times": times, SECRET: SECRET}).encode()
    client.post("/", json=push(data, {"event_id": SECRET, SECRET: SECRET, "lane": SECRET}, name=SECRET[:7]))
    assert "request" in stream.getvalue()
    assert SECRET not in stream.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        SECRET.encode(),
        json.dumps({"message": SECRET}).encode(),
        json.dumps({"message": {"data": SECRET, "attributes": {SECRET: [SECRET]}}}).encode(),
        json.dumps({"message": {"data": "e30=", "attributes": {"type": SECRET}}}).encode(),
    ],
)
def test_no_word_of_an_undecodable_request_reaches_the_log(load: Load, stream: io.StringIO, body: bytes) -> None:
    client = load("draw_prize", PRIZE)
    client.post(f"/{SECRET}?q={SECRET}", data=body, headers={"traceparent": SECRET, "X-Cloud-Trace-Context": SECRET})
    assert "dead-lettered" in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_no_word_of_an_http_request_reaches_the_log(load: Load, stream: io.StringIO) -> None:
    client = load("ask_prize", PRIZE)
    for body in ({"event_id": "1", "shopper": SECRET}, {SECRET: SECRET, "shopper": [SECRET]}):
        client.post(f"/{SECRET}?q={SECRET}", json=body, headers={"Authorization": SECRET})
    client.open("/", method=SECRET)
    assert stream.getvalue().count("\n") == 3
    assert SECRET not in stream.getvalue()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=12, max_size=40), st.sampled_from(["shopper", "token", "detail", "event", "exc_info"]))
def test_a_field_nobody_declared_is_dropped(stream: io.StringIO, text: str, name: str) -> None:
    stream.seek(0)
    stream.truncate()
    logs.logger().warning("something", **({name: text} if name not in {"event", "exc_info"} else {"other": text}))
    line = json.loads(stream.getvalue())
    assert line.pop("time")
    assert line == {"message": "something", "severity": "WARNING", "dropped_fields": 1}


def test_a_declared_field_without_its_form_is_masked(lines: Lines) -> None:
    logs.logger().info(
        "x", function="a\nb", event_id="mrs. smith", status="two", count=[1], topic="play-changed", code=None
    )
    line = lines()[0]
    assert {name: line[name] for name in ("function", "event_id", "status", "count", "topic", "code")} == {
        "function": "(masked)", "event_id": "(masked)", "status": "(masked)", "count": "(masked)",
        "topic": "play-changed", "code": None,
    }  # fmt: skip


def test_a_validation_error_shows_its_type_and_stack_but_not_its_input(lines: Lines, stream: io.StringIO) -> None:
    class Shopper(BaseModel):
        age: int

    try:
        Shopper(age=SECRET)  # type: ignore[arg-type]
    except ValidationError:
        logs.logger().exception("broken")
    assert lines()[0]["stack_trace"].endswith("pydantic_core._pydantic_core.ValidationError")
    assert lines()[0]["severity"] == "ERROR"
    assert SECRET not in stream.getvalue()


def test_the_causes_of_an_exception_are_shown_too_and_loops_of_causes_end() -> None:
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    assert logs.stack_of(first).splitlines()[-1] == "builtins.ValueError"
    assert "builtins.KeyError" in logs.stack_of(first)


def test_a_misconfiguration_says_what_is_wrong_because_it_names_settings_only() -> None:
    assert logs.stack_of(Misconfigured("TOMBOLA_HOME: missing")).endswith("Misconfigured: TOMBOLA_HOME: missing")


def test_lines_below_the_level_are_not_written(stream: io.StringIO) -> None:
    other = io.StringIO()
    logs.configure(other, level="warning")
    logs.logger().info("quiet")
    logs.logger().warning("loud")
    assert [json.loads(line)["message"] for line in other.getvalue().splitlines()] == ["loud"]
    assert stream.getvalue() == ""


def test_without_a_stream_lines_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    logs.logger().info("here")
    assert json.loads(capsys.readouterr().out)["message"] == "here"


def test_libraries_that_log_an_exception_do_not_get_its_words_in(lines: Lines, stream: io.StringIO) -> None:
    try:
        int(SECRET)
    except ValueError:
        logging.getLogger("werkzeug").exception("on %s", SECRET)
    assert (lines()[0]["message"], lines()[0]["logger"]) == ("on %s", "werkzeug")
    assert SECRET not in stream.getvalue()
