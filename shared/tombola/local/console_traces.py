"""Traces, as the console shows them: a line each, and a waterfall of spans, each below the one it came of."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from tombola.errors import Problem, Unknown
from tombola.local.traces import Facts, Traces
from tombola.orders.usecases import event_ids, find_order
from tombola.ports import Ports
from tombola.retailers.usecases import find_retailer
from tombola.runtime.tracing.contexts import parse

LINES = 30
"""Traces shown when none is asked for."""


def recent_traces(traces: Traces) -> list[Facts]:
    """Return the latest traces, a line each."""
    return [_line(spans) for spans in traces.recent(LINES)]


def traces_of_order(ports: Ports, traces: Traces, retailer: str, order_id: str) -> list[Facts]:
    """Return the traces in which an order changed, a line each, the latest first.

    Raises `Unknown` for a retailer or an order that is not known, and for an order whose traces are gone.
    """
    order = find_order(ports, find_retailer(ports, retailer).retailer, order_id)
    found = traces.of_events(event_ids(order)) if order else []
    if not found:
        msg = f"no trace is kept of an order {order_id!r} of {retailer}"
        raise Unknown(msg, [Problem("order_id", repr(order_id), "an order that changed lately")])
    return [_line(spans) for spans in found]


def waterfall(traces: Traces, trace_id: str) -> Facts:
    """Return one trace: its line, and its spans with their depth and offset. Raises `Unknown`."""
    spans = traces.of_trace(trace_id)
    if not spans:
        msg = "this trace is not kept"
        raise Unknown(msg, [Problem("trace", repr(trace_id[:40]), "one of the latest traces")])
    begin = _instant(spans[0])
    return {**_line(spans), "spans": [_row(span, depth, begin) for depth, span in _in_order(spans)]}


def _line(spans: Sequence[Facts]) -> Facts:
    begin, first = _instant(spans[0]), next(_in_order(spans))[1]
    return {
        "trace_id": first["trace_id"],
        "begins_with": first["span"],
        "lane": _attribute(first, "tombola.lane"),
        "outcome": _attribute(first, "tombola.outcome"),
        "at": spans[0]["start_time"],
        "duration_ms": max((_instant(span) - begin) / timedelta(milliseconds=1) + _length(span) for span in spans),
        "functions": sum(1 for span in spans if span["kind"] != "producer"),
        "failed": sum(1 for span in spans if span["failed"]),
        "came_of": _trace_id(first["links"]),
    }


def _row(span: Facts, depth: int, begin: datetime) -> Facts:
    return {
        "name": span["span"],
        "kind": span["kind"],
        "depth": depth,
        "offset_ms": (_instant(span) - begin) / timedelta(milliseconds=1),
        "duration_ms": span["duration_ms"],
        "failed": span["failed"],
        "outcome": _attribute(span, "tombola.outcome") or _attribute(span, "error.type"),
        "code": _attribute(span, "tombola.code"),
        "lane": _attribute(span, "tombola.lane"),
        "attempt": _attribute(span, "messaging.gcp_pubsub.message.delivery_attempt"),
        "messages": _attribute(span, "messaging.batch.message_count"),
        "lost_races": _attribute(span, "tombola.lost_races"),
    }


def _in_order(spans: Sequence[Facts]) -> Iterator[tuple[int, Facts]]:
    """Yield every span with its depth, parents first. A span whose parent is not kept stands at depth 0."""
    known = {span["span_id"] for span in spans}
    below: dict[object, list[Facts]] = defaultdict(list)
    for span in spans:
        below[span["parent_span_id"] if span["parent_span_id"] in known else None].append(span)
    waiting = [(0, span) for span in reversed(below[None])]
    while waiting:
        depth, span = waiting.pop()
        yield depth, span
        waiting += [(depth + 1, child) for child in reversed(below[span["span_id"]])]


def _attribute(span: Facts, name: str) -> object:
    return cast("dict[str, Any]", span["attributes"]).get(name)


def _trace_id(links: object) -> str | None:
    """Return the trace that the first link leads to."""
    found = [parse(str(link)) for link in cast("list[str]", links)]
    return found[0].trace_id if found and found[0] else None


def _instant(span: Facts) -> datetime:
    return datetime.fromisoformat(str(span["start_time"]))


def _length(span: Facts) -> float:
    return cast("float", span["duration_ms"])
