"""What is kept of spans on this machine, and what the console makes of it."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tombola.errors import Unknown
from tombola.local.console_traces import recent_traces, waterfall
from tombola.local.laptop import Laptop
from tombola.local.queue import queue_of
from tombola.local.traces import Traces
from tombola.ports.topics import Message
from tombola.runtime import logs
from tombola.runtime.tracing import contexts, recording
from tombola.runtime.tracing.contexts import TraceContext
from tombola.runtime.tracing.spans import Kind, Span

OnPing = Callable[[str, str], None]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PING = Message(b'{"event_id": "0a"}', {"event_id": "0a" * 16, "traceparent": f"00-{TRACE}-{SPAN}-01"})


@pytest.fixture
def traces(tmp_path: Path) -> Iterator[Traces]:
    """Return the traces of a home, to which every function here tells its spans; it keeps three of each kind."""
    logs.configure(level="critical")
    (tmp_path / "home").mkdir(exist_ok=True)
    kept = Traces(tmp_path / "home", most_kept=3)
    recording.install(kept)
    yield kept
    recording.install(None)
    kept.close()


def span(number: int, trigger: str = "http", links: tuple[TraceContext, ...] = ()) -> Span:
    made = Span("say_hello", Kind.SERVER, TraceContext(f"{number:032x}", contexts.new_span_id(), sampled=True))
    made.links = links
    made.tell(trigger=trigger, outcome="done", event_id=f"{number:032x}")
    made.end()
    return made


def test_of_each_kind_the_latest_traces_are_kept(traces: Traces) -> None:
    crowd = (TraceContext(TRACE, SPAN, sampled=True),)
    for number in range(1, 11):
        traces.record(span(number))
        traces.record(span(100 + number, links=crowd))
        traces.record(span(1000 + number, "timer"))
    kept = [int(str(one["trace_id"]), 16) for one in recent_traces(traces)]
    assert sorted(kept) == [8, 9, 10, 108, 109, 110]
    assert {one["came_of"] for one in recent_traces(traces)} == {None, TRACE}
    assert [traces.of_trace(f"{number:032x}") != [] for number in (1007, 1008)] == [False, True]


def test_traces_are_found_by_the_events_they_handled(traces: Traces) -> None:
    for number in (1, 2, 3):
        traces.record(span(number))
    found = traces.of_events([f"{number:032x}" for number in (1, 3, 7)])
    assert [spans[0]["trace_id"] for spans in found] == [f"{3:032x}", f"{1:032x}"]


def test_a_trace_that_is_gone_is_said_to_be_gone(traces: Traces) -> None:
    with pytest.raises(Unknown, match="not kept"):
        waterfall(traces, TRACE)


def test_traces_outlive_the_process_that_recorded_them(tmp_path: Path) -> None:
    for number in (1, 2):
        one = Traces(tmp_path)
        one.record(span(number))
        one.close()
    again = Traces(tmp_path)
    assert len(again.recent(10)) == 2
    again.close()


def rows(traces: Traces) -> list[tuple[object, ...]]:
    found: Any = waterfall(traces, TRACE)["spans"]
    return [(row["depth"], row["name"], row["attempt"], row["outcome"]) for row in found]


def test_every_attempt_stands_in_the_trace_of_its_message(
    laptop: Callable[..., Laptop], on_ping: OnPing, traces: Traces
) -> None:
    on_ping("keep_ping", "if delivery.attempt < 3: raise ValueError")
    made = laptop()
    made.ports.topics.publish("order-received", [PING])
    made.runner.drain()
    assert rows(traces) == [(0, "keep_ping", 1, "failed"), (0, "keep_ping", 2, "failed"), (0, "keep_ping", 3, "done")]


def test_a_dead_letter_that_is_sent_again_goes_on_with_its_trace(
    laptop: Callable[..., Laptop], on_ping: OnPing, traces: Traces
) -> None:
    on_ping(
        "keep_ping",
        "from tombola.errors import Conflict\n"
        "if not list(ports().objects.list('config', 'mended')): raise Conflict('no', code='not-so')",
    )
    made = laptop()
    made.ports.topics.publish("order-received", [PING])
    made.runner.drain()
    (letter,) = queue_of(made.ports).recent("dead-letters", 5)
    assert json.loads(letter.data) == {"event_id": "0a"}
    made.ports.objects.replace("config", "mended", b"")
    queue_of(made.ports).redrive([letter.message_id])
    made.runner.drain()
    assert rows(traces) == [
        (0, "keep_ping", 1, "dead-lettered"),
        (1, "send dead-letters", None, None),
        (0, "keep_ping", 1, "done"),
    ]


def test_what_dies_at_its_last_attempt_keeps_its_trace_too(
    laptop: Callable[..., Laptop], on_ping: OnPing, traces: Traces
) -> None:
    on_ping("keep_ping", "raise ValueError")
    made = laptop(max_attempts=2)
    made.ports.topics.publish("order-received", [PING])
    made.runner.drain()
    (letter,) = queue_of(made.ports).recent("dead-letters", 5)
    assert letter.attributes["traceparent"] == PING.attributes["traceparent"]
    assert len(rows(traces)) == 2


def test_a_disk_that_is_full_keeps_nobody_from_working(tmp_path: Path) -> None:
    one = Traces(tmp_path)
    one.record(span(1))
    assert len(one.recent(10)) == 1
    with closing(sqlite3.connect(tmp_path / "traces.sqlite")) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON spans BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        other.commit()
    for number in range(2, 600):
        one.record(span(number))
    assert len(one.recent(10)) == 1
    one.close()
