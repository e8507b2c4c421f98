"""Measures: what is counted of a span, sampled or not. Every metric follows from spans, so nothing is counted apart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tombola.runtime.tracing.spans import Attribute, Kind, Span


@dataclass(frozen=True, slots=True)
class Metric:
    """A counter, or a histogram with the upper bounds of its buckets. Units as UCUM writes them."""

    name: str
    unit: str
    description: str
    buckets: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """One addition to a metric."""

    metric: Metric
    amount: float
    attributes: Mapping[str, Attribute]


CALLS = Metric("faas.invocations", "{invocation}", "Calls of functions, by function, trigger, lane and outcome.")
DURATION = Metric(
    "faas.invoke_duration", "s", "How long calls of functions took, by function and outcome.",
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 540.0),
)  # fmt: skip
SENT = Metric("messaging.client.sent.messages", "{message}", "Messages given to topics, by topic and error.")
DEAD = Metric("tombola.dead_letters", "{message}", "Messages that a function put aside for good, by function and code.")
LOST = Metric("tombola.lost_races", "{race}", "Commits that somebody else preceded and that were decided again.")
METRICS = (CALLS, DURATION, SENT, DEAD, LOST)

_CALL = ("faas.name", "faas.trigger", "tombola.lane", "tombola.outcome")
_SENT = ("messaging.destination.name", "error.type")


def measures(span: Span) -> Iterator[Measure]:
    """Yield what a span adds to the metrics."""
    if span.kind is Kind.PRODUCER:
        yield Measure(SENT, _number(span, "messaging.batch.message_count"), _only(span, _SENT))
        return
    yield Measure(CALLS, 1, _only(span, _CALL))
    yield Measure(DURATION, span.seconds, _only(span, ("faas.name", "tombola.outcome")))
    if span.attributes.get("tombola.outcome") == "dead-lettered":
        yield Measure(DEAD, 1, _only(span, ("faas.name", "tombola.code")))
    if races := _number(span, "tombola.lost_races"):
        yield Measure(LOST, races, _only(span, ("faas.name",)))


def _only(span: Span, names: tuple[str, ...]) -> dict[str, Attribute]:
    return {name: span.attributes[name] for name in names if name in span.attributes}


def _number(span: Span, name: str) -> float:
    found = span.attributes.get(name, 0)
    return found if isinstance(found, int | float) else 0
