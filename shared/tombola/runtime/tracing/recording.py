"""Recording: spans begin and end here. Without a recorder there are none; the context is carried on all the same."""

import atexit
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, Self

from tombola.runtime.faults import Misconfigured
from tombola.runtime.tracing import contexts
from tombola.runtime.tracing.contexts import Origin, TraceContext
from tombola.runtime.tracing.spans import Kind, Span


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which share of traces is exported: of those that begin here, and of those that messages of a crowd begin."""

    each: float = 1.0
    crowd: float = 1.0

    def of(self, origin: Origin, trace_id: str) -> bool:
        """Tell whether a trace is exported: what is decided holds, whoever wants it gets it, chance does the rest."""
        if origin.parent is not None and (origin.decided or origin.parent.sampled):
            return origin.parent.sampled
        share = self.each if origin.link is None else self.crowd
        return int(trace_id[16:], 16) < share * 2**64


class Recorder(Protocol):
    """Takes spans that have ended, from any thread."""

    @property
    def sampling(self) -> Sampling:
        """Which spans are marked as sampled; the others come too, to be counted."""
        ...

    def record(self, span: Span) -> None:
        """Take a span. Returns at once and never raises."""
        ...

    def close(self) -> None:
        """Pass on what is held back still; the process ends."""
        ...


_call: ContextVar["Call | None"] = ContextVar("tombola_call", default=None)
_lock = threading.RLock()
_recorder: Recorder | None = None
_chosen = False
_called = False


class Call:
    """One call of a function: as long as its block runs, it has its place in its trace."""

    def __init__(self, function: str, trigger: str, headers: Mapping[str, str]) -> None:
        """Take the function's name, what calls it (a word of `faas.trigger`), and the headers it was called with."""
        self.lost_races = 0
        self._function = function
        self._headers = headers
        self._kind = Kind.CONSUMER if trigger == "pubsub" else Kind.SERVER
        self._recorder = recorder()
        self._span: Span | None = None
        self._trigger = trigger

    def __enter__(self) -> Self:
        """Begin, in the trace that the headers name."""
        self._outer = _call.set(self), contexts.become(None)
        self.comes_from(contexts.of_headers(self._headers))
        return self

    def __exit__(self, *_: object) -> None:
        """End, and hand the span over."""
        _call.reset(self._outer[0])
        contexts.leave(self._outer[1])
        if self._span is not None and self._recorder is not None:
            self._span.end()
            self._recorder.record(self._span)

    def comes_from(self, origin: Origin) -> None:
        """Go on from `origin`. Said again, before anything was sent or logged, it replaces what was said first."""
        parent = origin.parent
        if self._recorder is None:
            contexts.become(parent or (TraceContext(origin.trace_id, None, sampled=False) if origin.trace_id else None))
            return
        trace_id = (parent.trace_id if parent else origin.trace_id) or contexts.new_trace_id()
        context = TraceContext(trace_id, contexts.new_span_id(), self._recorder.sampling.of(origin, trace_id))
        if self._span is None:
            self._span = Span(self._function, self._kind, context)
        self._span.context = context
        self._span.parent_id = parent.span_id if parent else None
        self._span.links = (origin.link,) if origin.link else ()
        contexts.become(context)

    def tell(self, fields: Mapping[str, object], *, failed: bool) -> None:
        """Say of the span what the log line says of the request."""
        if self._span is not None:
            self._span.tell(function=self._function, trigger=self._trigger, cold=_first_call(), **fields)
            self._span.failed = failed
            if self._kind is Kind.CONSUMER:
                self._span.attributes |= {"messaging.system": "gcp_pubsub", "messaging.operation.type": "process"}


def lost_race() -> None:
    """Count one lost race of the call that is served in this thread, if any is."""
    if (call := _call.get()) is not None:
        call.lost_races += 1


def recorder() -> Recorder | None:
    """Return the process's one recorder, as the settings want it."""
    global _recorder, _chosen
    if _chosen:
        return _recorder
    with _lock:
        if not _chosen:
            _recorder, _chosen = _wanted(), True
            if _recorder is not None:
                atexit.register(_recorder.close)  # a server that is told to stop ends its process in order
        return _recorder


def install(given: Recorder | None) -> None:
    """Record with `given` in this process, as a host of many functions does; None asks the settings again."""
    global _recorder, _chosen
    with _lock:
        _recorder, _chosen = given, given is not None


def _wanted() -> Recorder | None:
    """Return the recorder of the settings; who needs them next says what is wrong with them."""
    from tombola.runtime import wiring  # noqa: PLC0415 (wiring needs what carries the context)

    try:
        settings = wiring.settings()
    except Misconfigured:
        return None
    if settings.telemetry == "none":
        return None
    from tombola.runtime.tracing.recorders import recorder_of  # noqa: PLC0415 (only when wanted)

    return recorder_of(settings)


def _first_call() -> bool:
    """Tell whether this process has served nothing before."""
    global _called
    first, _called = not _called, True
    return first
