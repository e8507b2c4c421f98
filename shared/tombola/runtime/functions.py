"""Decorators: a request comes in, a use case is called, the outcome becomes the right answer.

Every function is an HTTP function underneath, also those that events trigger, so that subscription and
delivery attempt are kept. Permanent faults of an event go to the dead letters and are acknowledged;
faults of an HTTP request are answered as RFC 9457 problems; lost races are decided again here; only
outages answer 5xx.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial, wraps
from typing import TYPE_CHECKING, TypeVar, cast

import functions_framework
from flask import Request, Response
from pydantic import ValidationError

from tombola.errors import Fault, Malformed, Problem, Unknown
from tombola.events import DEAD_LETTERS, OBJECTS, Event, topic_name
from tombola.runtime import wiring
from tombola.runtime.dead_letters import SOURCE_ATTEMPTS, SOURCE_SUBSCRIPTION, SOURCE_TOPIC, letter
from tombola.runtime.deliveries import Delivery, ObjectNotice
from tombola.runtime.faults import MethodNotAllowed, UnknownCaller, WrongCaller
from tombola.runtime.http import Answer, HttpRequest
from tombola.runtime.outcomes import Line, Outcome, judged, observed
from tombola.runtime.races import decide_again
from tombola.runtime.serving import (
    acknowledgement,
    answer,
    body_of,
    check_method,
    json_of,
    lower_headers,
    problem,
    request_of,
)

if TYPE_CHECKING:
    from tombola.runtime.idempotency import Idempotency

E = TypeVar("E", bound=Event)
HttpFunction = Callable[[Request], Response]

MAX_PUSH_BYTES = 16_000_000
"""A message of 10 MB in base64, with its attributes and envelope."""


def on_event(event_type: type[E]) -> Callable[[Callable[[E, Delivery], object]], HttpFunction]:
    """Make a function of a handler of one event type: called once per delivery with the event and the delivery."""

    def decorate(handler: Callable[[E, Delivery], object]) -> HttpFunction:
        def work(delivery: Delivery) -> str:
            handler(_event(event_type, delivery), delivery)
            return "done"

        return _event_function(handler, event_type.TYPE, work)

    return decorate


def on_object(handler: Callable[[ObjectNotice], object]) -> HttpFunction:
    """Make a function of a handler of new objects: called once per notification of a new generation."""
    from tombola.runtime.messages import notice_of  # noqa: PLC0415 (see _event_function)

    def work(delivery: Delivery) -> str:
        notice = notice_of(delivery)
        if notice is None:
            return "ignored"
        handler(replace(notice, bucket=_logical(notice.bucket)))
        return "done"

    return _event_function(handler, OBJECTS, work)


def on_http(
    *, methods: Sequence[str] = ("POST",), max_bytes: int = 1_000_000, idempotency: "Idempotency | None" = None
) -> Callable[[Callable[[HttpRequest], Answer]], HttpFunction]:
    """Make a function of a handler of HTTP requests with one of `methods` and at most `max_bytes` of body.

    With `idempotency`, a request that is sent again under its key is answered again, and not done again.
    """

    def decorate(handler: Callable[[HttpRequest], Answer]) -> HttpFunction:
        def function(request: Request) -> Response:
            def work() -> Answer:
                asked = request_of(request, methods, max_bytes)
                if idempotency is None:
                    return _answer_of(handler, asked)
                from tombola.runtime.leases import answer_once  # noqa: PLC0415 (few functions have keys)

                done = partial(_answer_of, handler, asked)
                return answer_once(wiring.ports(), idempotency, handler.__name__, asked, done)

            with observed(handler.__name__, "http", lower_headers(request), request.method) as line:
                outcome = line.ends(judged(work))
                return line.answered(answer(outcome.value) if outcome.value else problem(outcome, request, methods))

        return _registered(handler, function)

    return decorate


def _answer_of(handler: Callable[[HttpRequest], Answer], asked: HttpRequest) -> Answer:
    made: object = decide_again(partial(handler, asked))
    if not isinstance(made, Answer):
        msg = f"{handler.__name__} returned a {type(made).__name__}; expected an Answer"
        raise TypeError(msg)
    return replace(made, content=json_of(made.content))  # here, where what cannot be JSON is a failure like any other


def on_schedule(handler: Callable[[], object]) -> HttpFunction:
    """Make a function of a handler that a clock calls, by POST with a body that says nothing."""
    from tombola.runtime.oidc import check_caller  # noqa: PLC0415 (see _event_function)

    def function(request: Request) -> Response:
        def work() -> str:
            check_method(request, ("POST",))
            check_caller(lower_headers(request))
            decide_again(handler)
            return "done"

        with observed(handler.__name__, "timer", lower_headers(request)) as line:
            outcome = line.ends(_nobodys_fault(judged(work)))
            return line.answered(acknowledgement() if outcome.value else problem(outcome, request, ("POST",)))

    return _registered(handler, function)


def _nobodys_fault(outcome: Outcome[str]) -> Outcome[str]:
    """A clock sends nothing that could be at fault: whatever is wrong is ours, and is to be seen as such."""
    if outcome.fault is None or isinstance(outcome.fault, MethodNotAllowed | UnknownCaller | WrongCaller):
        return outcome
    return Outcome("failed", 500, error=outcome.fault)


@dataclass(slots=True)
class _Arrival:
    """What is known of a message by the time it succeeds or fails."""

    body: bytes | None = None
    delivery: Delivery | None = None


def _event_function(handler: Callable[..., object], topic: str, work: Callable[[Delivery], str]) -> HttpFunction:
    from tombola.runtime.messages import decode  # noqa: PLC0415 (functions called by HTTP decode nothing)
    from tombola.runtime.oidc import check_caller  # noqa: PLC0415 (and ask their callers themselves)

    name = handler.__name__

    def deliver(request: Request, arrival: _Arrival, line: Line) -> str:
        check_method(request, ("POST",))
        check_caller(lower_headers(request))
        arrival.body = body_of(request, MAX_PUSH_BYTES)
        arrival.delivery = line.carries(decode(lower_headers(request), arrival.body))
        return decide_again(partial(work, arrival.delivery))

    def function(request: Request) -> Response:
        arrival = _Arrival()
        with observed(name, "pubsub", lower_headers(request)) as line:
            outcome = judged(lambda: deliver(request, arrival, line))
            if outcome.fault is not None and arrival.body is not None:
                outcome = _buried(outcome, outcome.fault, arrival, name, topic)
            line.ends(outcome)
            return line.answered(acknowledgement() if outcome.value else problem(outcome, request, ("POST",)))

    return _registered(handler, function)


def _buried(outcome: Outcome[str], fault: Fault, arrival: _Arrival, name: str, topic: str) -> Outcome[str]:
    """Put the message on the dead-letter topic; an outage of that topic is an outage of this function."""
    data, attributes = arrival.body or b"", {}
    source = {"function": name, SOURCE_TOPIC: topic}
    if (delivery := arrival.delivery) is not None:
        data, attributes = delivery.data, dict(delivery.attributes)
        source |= {
            "source_message_id": delivery.message_id,
            SOURCE_TOPIC: topic_name(topic, delivery.lane),
            SOURCE_SUBSCRIPTION: delivery.subscription,
            SOURCE_ATTEMPTS: str(delivery.attempt),
        }
    letters = [letter(fault, data, attributes, source)]
    published = judged(lambda: wiring.ports().topics.publish(DEAD_LETTERS, letters))
    if published.word != "done":
        return Outcome("unavailable", 503, error=published.error or published.fault)
    return Outcome("dead-lettered", 204, value="dead-lettered", fault=fault, error=outcome.error)


def _event(event_type: type[E], delivery: Delivery) -> E:
    """Return the event of a delivery. Raises `Malformed`."""
    stated = delivery.attributes.get("type", event_type.TYPE)
    if stated != event_type.TYPE:
        msg = f"an event of another type than {event_type.TYPE}"
        raise Malformed(msg, [Problem("type", repr(stated[:80]), event_type.TYPE)], code="wrong-event-type")
    try:
        return event_type.model_validate_json(delivery.data)
    except ValidationError as error:
        from tombola.problems import problems_of  # noqa: PLC0415 (most messages are as they should be)

        msg = f"the message is not an event {event_type.TYPE}"
        raise Malformed(msg, problems_of(error, event_type), code="malformed-event") from None


def _logical(bucket: str) -> str:
    """Return a bucket's logical name. Raises `Unknown` for a bucket that is not ours."""
    from tombola.ports.objects import BUCKETS  # noqa: PLC0415 (few functions are called for objects)

    name = wiring.logical_bucket(bucket)
    if name not in BUCKETS:
        msg = "a notification of a bucket that is not one of ours"
        raise Unknown(msg, [Problem("bucketId", repr(bucket[:80]), ", ".join(BUCKETS))], code="unknown-bucket")
    return name


def _registered(handler: Callable[..., object], function: HttpFunction) -> HttpFunction:
    """Return `function` under the handler's name, registered as an HTTP function."""
    return cast("HttpFunction", functions_framework.http(wraps(handler)(function)))
