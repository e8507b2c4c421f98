"""Recording: spans begin and end here. Without a recorder there are none; the context is carried on all the same."""

import atexit
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol, Self

from tombola.runtime.faults import Misconfigured
from tombola.runtime.tracing import contexts
from tombola.runtime.tracing.contexts import Origin, TraceContext
from tombola.runtime.tracing.spans import Kind, Span

WANTED_A_MINUTE = 10
"""So many traces a process exports because a caller wants it: anybody may call, and an export is paid for. Cloud Run's
own frontend wants six."""


class Allowance:
    """So much a minute, and no more. Threads may share it."""

    def __init__(self, most: int = WANTED_A_MINUTE, elapsed: Callable[[], float] = time.monotonic) -> None:
        """Allow `most` a minute; `elapsed` counts seconds."""
        self._most, self._elapsed = most, elapsed
        self._lock = threading.Lock()
        self._minute, self._taken = 0, 0

    def take(self) -> bool:
        """Tell whether there is one left of this minute, and take it."""
        minute = int(self._elapsed() // 60)
        with self._lock:
            if minute != self._minute:
                self._minute, self._taken = minute, 0
            self._taken += 1
            return self._taken <= self._most


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which share of traces is exported: of those that begin here, and of those that messages of a crowd begin.

    `wanted` is how many more are exported because a caller wants it.
    """

    each: float = 1.0
    crowd: float = 1.0
    wanted: Allowance = field(default_factory=Allowance, repr=False, compare=False)

    def of(self, origin: Origin, trace_id: str) -> bool:
        """Tell whether a trace is exported: what is decided holds, who wants it gets it, chance does the rest.

        A caller's own trace id decides nothing: it could be chosen so that chance always falls on it.
        """
        if origin.parent is not None:
            if origin.decided or (origin.parent.sampled and self.wanted.take()):
                return origin.parent.sampled
            trace_id = contexts.new_trace_id()
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
