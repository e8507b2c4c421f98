"""Spans: what a call was, when, and how it ended. A span ends as a value that recorders take.

Names and attributes are OpenTelemetry's (https://opentelemetry.io/docs/specs/semconv/), as far as it has one. A value
stands in a span only under the name of a field that may be logged, in the form the log asks for.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import cast

from tombola.runtime import logs
from tombola.runtime.tracing.contexts import TraceContext

Attribute = str | int | float | bool


class Kind(StrEnum):
    """Which side of a call a span saw: a request served, a message handled, messages sent."""

    SERVER = "server"
    CONSUMER = "consumer"
    PRODUCER = "producer"


NAMES: Mapping[str, str] = {
    "function": "faas.name",
    "trigger": "faas.trigger",
    "cold": "faas.coldstart",
    "method": "http.request.method",
    "status": "http.response.status_code",
    "error": "error.type",
    "topic": "messaging.destination.name",
    "count": "messaging.batch.message_count",
    "message_id": "messaging.message.id",
    "subscription": "messaging.destination.subscription.name",
    "attempt": "messaging.gcp_pubsub.message.delivery_attempt",
    "event_id": "cloudevents.event_id",
    "outcome": "tombola.outcome",
    "code": "tombola.code",
    "lane": "tombola.lane",
    "lost_races": "tombola.lost_races",
}
"""What a field of the log is called in a span; a field that is not here does not stand in one."""


@dataclass(slots=True)
class Span:
    """One piece of work. Times in nanoseconds since 1970; `ended_at` is 0 as long as it lasts."""

    name: str
    kind: Kind
    context: TraceContext
    parent_id: str | None = None
    links: tuple[TraceContext, ...] = ()
    attributes: dict[str, Attribute] = field(default_factory=dict)
    failed: bool = False
    started_at: int = field(default_factory=time.time_ns)
    ended_at: int = 0
    _began: int = field(default_factory=time.perf_counter_ns, repr=False)

    def tell(self, **fields: object) -> None:
        """Add what may be told of `fields`, which have the names of the log's; what is None is left out."""
        for name, value in fields.items():
            if value is not None and (told := NAMES.get(name)):
                self.attributes[told] = cast("Attribute", logs.masked(name, value))

    def end(self) -> None:
        """Note that it is over. The clock may be set back meanwhile: the duration is measured apart."""
        self.ended_at = self.started_at + time.perf_counter_ns() - self._began

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return (self.ended_at - self.started_at) / 1e9


def facts(span: Span) -> dict[str, object]:
    """Return a span as plain values, for JSON."""
    return {
        "span": span.name,
        "kind": span.kind.value,
        "trace_id": span.context.trace_id,
        "span_id": span.context.span_id,
        "parent_span_id": span.parent_id,
        "start_time": datetime.fromtimestamp(span.started_at / 1e9, UTC).isoformat(),
        "duration_ms": round(span.seconds * 1000, 3),
        "failed": span.failed,
        "links": [link.traceparent for link in span.links],
        "attributes": span.attributes,
    }
