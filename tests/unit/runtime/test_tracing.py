"""Spans of functions and of what they publish, as a recorder gets them."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tombola.adapters.embedded.topics import EmbeddedTopics, Kept
from tombola.ports import Ports
from tombola.ports.documents import OUTBOX_SHARDS, Where
from tombola.runtime import outbox, wiring
from tombola.runtime.settings import Settings
from tombola.runtime.tracing import recording
from tombola.runtime.tracing.contexts import TraceContext
from tombola.runtime.tracing.deferred import DeferredRecorder
from tombola.runtime.tracing.measures import measures
from tombola.runtime.tracing.recorders import recorder_of
from tombola.runtime.tracing.recording import Call, Sampling
from tombola.runtime.tracing.spans import Kind, Span
from tombola.runtime.tracing.topics import TracedTopics

Load = Callable[[str, str], FlaskClient]
Lines = Callable[[], list[dict[str, Any]]]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADERS = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
SECRET = "hunter2-shopper-4711"

RELAY = """
    from tombola.errors import Malformed
    from tombola.ports.documents import Create, DocumentKey, OutboundEvent
    from tombola.ports.errors import PreconditionFailed, Unavailable
    from tombola.ports.topics import Message
    from tombola.runtime import Answer, Delivery, HttpRequest, on_event, on_http, ports
    from tombola.events import Event

    lost = []

    class Ping(Event):
        TYPE = "order-received"
        then: str = ""

    @on_event(Ping)
    def pass_on(event: Ping, delivery: Delivery) -> None:
        match event.then:
            case "refuse": raise Malformed("no", code="not-so")
            case "fail": raise ValueError(event.then)
            case "lose" if len(lost) < 2:
                lost.append(event)
                raise PreconditionFailed("lost")
            case "crowd": ports().topics.publish("order-recorded", [Message(b"{}", {"event_id": "0a"})] * 17)
            case "nowhere": ports().topics.publish("no-such-topic", [Message(b"{}")])
        ports().topics.publish("order-recorded", [Message(b"{}", {"event_id": "0a"})])

    @on_http()
    def commit_one(request: HttpRequest) -> Answer:
        event = OutboundEvent("0b" * 16, "play-changed", Message(b"{}", {"event_id": "0b" * 16}))
        ports().documents.commit([Create(DocumentKey("plays", ("t1",)), {})], [event])
        return Answer({})
"""


class Remembering:
    """Keeps every span."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self.spans: list[Span] = []

    def record(self, span: Span) -> None:
        self.spans.append(span)

    def close(self) -> None:
        """Nothing is held back."""


@pytest.fixture
def spans() -> Iterator[list[Span]]:
    """Every span that ends during the test."""
    recorder = Remembering(Sampling())
    recording.install(recorder)
    yield recorder.spans
    recording.install(None)


@pytest.fixture
def kept(ports: Ports) -> Callable[[str], list[Kept]]:
    """Return a reader of a topic."""

    def read(topic: str) -> list[Kept]:
        assert isinstance(ports.topics, EmbeddedTopics)
        return ports.topics.recent(topic, 1000)

    return read


def pushed(push: Callable[..., dict[str, Any]], then: str = "", **attributes: str) -> dict[str, Any]:
    return push(json.dumps({"event_id": "0a", "then": then}).encode(), attributes)


def test_a_message_is_handled_in_the_trace_it_carries_and_what_the_handler_sends_goes_on_with_it(
    load: Load, push: Callable[..., Any], spans: list[Span], kept: Callable[[str], list[Kept]]
) -> None:
    carried = f"00-{TRACE}-{SPAN}-01"
    load("pass_on", RELAY).post("/", json=pushed(push, traceparent=carried), headers={"traceparent": carried[::-1]})
    sent, handled = spans
    assert (handled.name, handled.kind, handled.parent_id) == ("pass_on", "consumer", SPAN)
    assert (sent.name, sent.kind, sent.parent_id) == ("send order-recorded", "producer", handled.context.span_id)
    assert {span.context.trace_id for span in spans} == {TRACE}
    (message,) = kept("order-recorded")
    assert message.attributes["traceparent"] == sent.context.traceparent
    assert message.attributes["event_id"] == "0a"


def test_a_span_says_what_the_log_line_says_by_the_names_of_opentelemetry(
    load: Load, push: Callable[..., Any], spans: list[Span], lines: Lines
) -> None:
    load("pass_on", RELAY).post("/", json=pushed(push, "lose", lane="bulk", event_id="0c" * 16))
    handled = spans[-1]
    cold = handled.attributes.pop("faas.coldstart")
    assert isinstance(cold, bool)
    assert handled.attributes == {
        "faas.name": "pass_on", "faas.trigger": "pubsub", "http.response.status_code": 204,
        "messaging.system": "gcp_pubsub", "messaging.operation.type": "process", "messaging.message.id": "8263549",
        "messaging.destination.subscription.name": "ring-bell", "messaging.gcp_pubsub.message.delivery_attempt": 3,
        "cloudevents.event_id": "0c" * 16, "tombola.outcome": "done", "tombola.lane": "bulk", "tombola.lost_races": 2,
    }  # fmt: skip
    line = lines()[-1]
    assert line["logging.googleapis.com/trace"] == f"projects/some-project/traces/{handled.context.trace_id}"
    assert line["logging.googleapis.com/spanId"] == handled.context.span_id
    assert line["lost_races"] == 2
    assert handled.seconds > 0


@pytest.mark.parametrize(
    ("then", "outcome", "code"), [("refuse", "dead-lettered", "not-so"), ("fail", "failed", None), ("", "done", None)]
)
def test_metrics_follow_from_spans(
    load: Load, push: Callable[..., Any], spans: list[Span], then: str, outcome: str, code: str | None
) -> None:
    load("pass_on", RELAY).post("/", json=pushed(push, then))
    found = {one.metric.name: one for span in spans for one in measures(span)}
    assert found["faas.invocations"].attributes == {
        "faas.name": "pass_on", "faas.trigger": "pubsub", "tombola.lane": "live", "tombola.outcome": outcome,
    }  # fmt: skip
    assert found["faas.invoke_duration"].amount == spans[-1].seconds
    assert ("messaging.client.sent.messages" in found) == (then != "fail")
    assert [one.attributes for name, one in found.items() if name == "tombola.dead_letters"] == (
        [{"faas.name": "pass_on", "tombola.code": code}] if code else []
    )
    assert spans[-1].failed == (outcome != "done")


def test_messages_of_a_crowd_begin_traces_of_their_own_which_one_publishing_span_is_linked_to(
    load: Load, push: Callable[..., Any], spans: list[Span], kept: Callable[[str], list[Kept]]
) -> None:
    client = load("pass_on", RELAY)
    client.post("/", json=pushed(push, "crowd"), headers=HEADERS)
    crowd, sent, _ = spans
    assert crowd.attributes["messaging.batch.message_count"] == 17
    assert [message.attributes.get("tracelink") for message in kept("order-recorded")] == [
        *[crowd.context.traceparent] * 17, None,
    ]  # fmt: skip
    assert kept("order-recorded")[-1].attributes["traceparent"] == sent.context.traceparent
    for _ in range(2):
        client.post("/", json=pushed(push, tracelink=crowd.context.traceparent, event_id="0a"))
    first, again = (span for span in spans[3:] if span.kind == "consumer")
    assert first.context.trace_id == again.context.trace_id != TRACE
    assert (first.parent_id, first.links) == (None, (crowd.context,))


def test_a_publishing_that_fails_is_a_failed_span(load: Load, push: Callable[..., Any], spans: list[Span]) -> None:
    assert load("pass_on", RELAY).post("/", json=pushed(push, "nowhere")).status_code == 500
    assert (spans[0].failed, spans[0].attributes["error.type"]) == (True, "NotFound")


def test_a_dead_letter_keeps_the_trace_it_came_with(
    load: Load, push: Callable[..., Any], spans: list[Span], letters: Callable[[], list[Kept]]
) -> None:
    load("pass_on", RELAY).post("/", json=pushed(push, "refuse", **HEADERS))
    assert letters()[0].attributes["traceparent"] == HEADERS["traceparent"]
    assert {span.context.trace_id for span in spans} == {TRACE}


def test_an_event_in_the_outbox_carries_the_request_that_committed_it_also_when_it_is_relayed(
    load: Load, ports: Ports, spans: list[Span], kept: Callable[[str], list[Kept]]
) -> None:
    class Silent:
        """Topics that are down."""

        def publish(self, topic: str, messages: object) -> None:
            raise ConnectionError(topic, messages)

    documents = outbox.PublishingDocuments(ports.documents.documents, Silent())  # type: ignore[attr-defined]
    wiring.install(replace(ports, topics=Silent(), documents=documents))
    assert load("commit_one", RELAY).post("/", json={}, headers=HEADERS).status_code == 200
    committed = spans[-1]
    shards = range(OUTBOX_SHARDS)
    (waiting,) = [one for n in shards for one in ports.documents.query("outbox", [Where("shard", "==", n)])]
    assert waiting.fields["attributes"]["traceparent"] == committed.context.traceparent  # type: ignore[index,call-overload]
    with Call("relay_outbox", "timer", {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}):
        assert outbox.relay(replace(ports, topics=TracedTopics(ports.topics)), timedelta(seconds=-1)) == 1
    assert kept("play-changed")[0].attributes["traceparent"] == committed.context.traceparent
    sent, _ = spans[-2:]
    assert (sent.links, sent.context.trace_id) == ((committed.context,), "1" * 32)


def test_without_a_recorder_the_context_is_carried_on_and_named_in_the_log(
    load: Load, push: Callable[..., Any], lines: Lines, kept: Callable[[str], list[Kept]]
) -> None:
    recording.install(None)
    load("pass_on", RELAY).post("/", json=pushed(push, **HEADERS))
    assert kept("order-recorded")[0].attributes["traceparent"] == HEADERS["traceparent"]
    assert lines()[-1]["logging.googleapis.com/trace"] == f"projects/some-project/traces/{TRACE}"
    load("commit_one", RELAY).post("/", json={})
    assert "traceparent" not in kept("play-changed")[0].attributes


def test_no_word_of_anybody_reaches_a_span(load: Load, push: Callable[..., Any], spans: list[Span]) -> None:
    attributes = {"event_id": SECRET, "lane": SECRET, "traceparent": SECRET, "tracelink": SECRET, SECRET: SECRET}
    load("pass_on", RELAY).post("/", json=push(b"{}", attributes, name=SECRET))
    load("commit_one", RELAY).open(f"/{SECRET}?a={SECRET}", method=SECRET, headers={"traceparent": SECRET})
    assert len(spans) == 3
    assert SECRET not in repr(spans)


def test_by_default_nothing_of_opentelemetry_is_imported(tmp_path: Path) -> None:
    source = """
import sys, functions_framework, pathlib
path = pathlib.Path(sys.argv[1]); path.write_text('''
from tombola.runtime import Answer, on_http
@on_http()
def say_hello(request):
    return Answer({})
''')
client = functions_framework.create_app("say_hello", str(path), "http").test_client()
assert client.post("/", json={}).status_code == 200
print([name for name in sys.modules if name.startswith(("opentelemetry", "google.auth", "requests", "sqlite3"))])
"""
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-c", source, str(tmp_path / "main.py")]
    made = subprocess.run(command, capture_output=True, text=True, check=False, env=unmeasured)
    assert made.stdout.splitlines()[-1] == "[]", made.stderr


def test_spans_wait_for_a_recorder_that_takes_its_time(lines: Lines) -> None:
    ready, made = threading.Event(), Remembering(Sampling())

    def make() -> Remembering:
        assert ready.wait(10)
        return made

    deferred = DeferredRecorder(Sampling(), make)
    for number in range(3):
        deferred.record(Span(f"span {number}", Kind.SERVER, TraceContext(TRACE, SPAN, sampled=True)))
    assert made.spans == []
    ready.set()
    deferred.close()
    deferred.record(Span("span 3", Kind.SERVER, TraceContext(TRACE, SPAN, sampled=True)))
    assert [span.name for span in made.spans] == [f"span {number}" for number in range(4)]
    assert lines() == []


def test_a_recorder_that_cannot_be_made_is_logged_and_keeps_nobody_from_working(lines: Lines) -> None:
    def make() -> Remembering:
        raise ModuleNotFoundError

    deferred = DeferredRecorder(Sampling(), make)
    deferred.record(Span("span", Kind.SERVER, TraceContext(TRACE, SPAN, sampled=True)))
    deferred.close()
    (line,) = lines()
    assert (line["message"], line["severity"]) == ("telemetry unavailable", "ERROR")


def test_on_the_console_every_span_is_a_line_of_json(
    load: Load, push: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    recording.install(recorder_of(Settings(telemetry="console")))
    load("pass_on", RELAY).post("/", json=pushed(push, **HEADERS))
    recording.install(None)
    sent, handled = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (sent["span"], handled["span"]) == ("send order-recorded", "pass_on")
    assert (sent["trace_id"], sent["parent_span_id"]) == (TRACE, handled["span_id"])
    assert handled["attributes"]["tombola.outcome"] == "done"
    assert handled["duration_ms"] >= sent["duration_ms"] > 0


def test_calls_at_the_same_time_do_not_mix_up_their_traces(
    load: Load, push: Callable[..., Any], spans: list[Span], kept: Callable[[str], list[Kept]]
) -> None:
    app = load("pass_on", RELAY).application
    carried = [f"00-{number:032x}-{SPAN}-01" for number in range(1, 65)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda one: app.test_client().post("/", json=pushed(push, traceparent=one)), carried))
    handled = {span.context.span_id: span.context.trace_id for span in spans if span.kind == "consumer"}
    assert sorted(handled.values()) == [f"{number:032x}" for number in range(1, 65)]
    sent = [span for span in spans if span.kind == "producer"]
    assert all(span.context.trace_id == handled[str(span.parent_id)] for span in sent)
    assert {message.attributes["traceparent"] for message in kept("order-recorded")} == {
        span.context.traceparent for span in sent
    }
