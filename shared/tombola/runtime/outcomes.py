"""Outcomes: how a call ended, as a value; and the one log line that every request leaves."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from flask import Response

from tombola.errors import Fault
from tombola.ports.errors import PreconditionFailed, Refused, Unavailable
from tombola.runtime import logs
from tombola.runtime.deliveries import Delivery
from tombola.runtime.faults import BeyondLimits
from tombola.runtime.tracing.contexts import of_message
from tombola.runtime.tracing.recording import Call

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

LEVELS: Mapping[str, str] = {
    "dead-lettered": "warning",
    "lost-race": "warning",
    "unavailable": "warning",
    "failed": "error",
}
"""How loudly an outcome is logged; the rest is business as usual."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[R_co]):
    """How a call ended: its word, its HTTP status, and what it returned, or refused, or raised."""

    word: str
    status: int
    value: R_co | None = None
    fault: Fault | None = None
    error: BaseException | None = field(default=None, repr=False)


def judged(work: Callable[[], R]) -> Outcome[R]:
    """Call `work` and return how it ended. Never raises an `Exception`."""
    try:
        value = work()
    except Fault as fault:
        return Outcome("refused", fault.status, fault=fault)
    except Refused as error:
        return Outcome("refused", BeyondLimits.status, fault=BeyondLimits(), error=error)
    except PreconditionFailed as error:
        return Outcome("lost-race", 503, error=error)
    except Unavailable as error:
        return Outcome("unavailable", 503, error=error)
    except Exception as error:  # noqa: BLE001 (whatever it is, the caller gets an answer and the log gets the stack)
        return Outcome("failed", 500, error=error)
    return Outcome(value if isinstance(value, str) else "done", 200, value=value)


@dataclass(slots=True)
class Line:
    """The log line of one request, while it is being served."""

    call: Call
    outcome: Outcome[object] | None = None
    status: int | None = None
    delivery: Delivery | None = None

    def carries(self, delivery: Delivery) -> Delivery:
        """Note the delivery that is served, and go on with the trace it carries; return that."""
        self.delivery = delivery
        if origin := of_message(delivery.attributes, delivery.message_id):
            self.call.comes_from(origin)
        return delivery

    def answered(self, response: Response) -> Response:
        """Note the answer; return that."""
        self.status = response.status_code
        return response

    def ends(self, outcome: Outcome[R]) -> Outcome[R]:
        """Note how it ended; return that."""
        self.outcome = outcome
        return outcome

    def fields(self) -> dict[str, object]:
        """Return what may be said of it."""
        said: dict[str, object] = {"lost_races": self.call.lost_races} if self.call.lost_races else {}
        if (outcome := self.outcome) is not None:
            said |= {"outcome": outcome.word, "status": self.status}
            cause = outcome.fault or outcome.error
            said |= {"code": cause.code} if isinstance(cause, Fault) else {}
            said |= {"error": type(outcome.error).__name__, "exc_info": outcome.error} if outcome.error else {}
        if (delivery := self.delivery) is not None:
            said |= {
                "attempt": delivery.attempt,
                "lane": delivery.lane,
                "message_id": delivery.message_id,
                "subscription": delivery.subscription,
            }
            said |= {"event_id": delivery.attributes["event_id"]} if "event_id" in delivery.attributes else {}
        return said


@contextmanager
def observed(function: str, trigger: str, headers: Mapping[str, str], method: str | None = None) -> Iterator[Line]:
    """Measure a request and log one line when it is answered; lines in between carry function and trace.

    `trigger` is what calls such a function, in OpenTelemetry's words: `http`, `pubsub`, `timer`.
    """
    started = time.perf_counter()
    with Call(function, trigger, headers) as call, logs.within(function=function):
        line = Line(call)
        yield line
        level = LEVELS.get(line.outcome.word, "info") if line.outcome else "error"
        duration = round((time.perf_counter() - started) * 1000, 2)
        fields = line.fields()
        call.tell({**fields, "method": method}, failed=level != "info")
        getattr(logs.logger(), level)("request", duration_ms=duration, **fields)
