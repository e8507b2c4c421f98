"""Trace contexts: what is carried from a request to its messages, and from a message to its handler.

The names are W3C's (https://www.w3.org/TR/trace-context/): `traceparent` as a header and as a message's attribute.
Google's own Pub/Sub clients write the same text as `googclient_traceparent`; that is read too, but not written:
attributes that begin with `goog` are Google's.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass

TRACEPARENT = "traceparent"
TRACELINK = "tracelink"
"""Our own: in the form of a traceparent, the span a message came of, whose trace its handler does not go on with."""
_FOREIGN = "googclient_traceparent"
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_CLOUD_TRACE = re.compile(r"([0-9a-fA-F]{32})(?:/(\d{1,20}))?(?:;o=(\d))?")

_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span of a trace, by lower case hex digits: 32 and 16. The span is not always known."""

    trace_id: str
    span_id: str | None
    sampled: bool

    @property
    def traceparent(self) -> str:
        """Return the context as W3C writes it; an unknown span gets an id, because the form wants one."""
        return f"00-{self.trace_id}-{self.span_id or new_span_id()}-0{int(self.sampled)}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call comes from.

    `parent` is the span to go on from. `decided` tells whether its flag says for the whole trace if it is exported.
    Without a parent the call begins the trace `trace_id`, if that is given, which came of `link`.
    """

    parent: TraceContext | None = None
    decided: bool = False
    trace_id: str | None = None
    link: TraceContext | None = None


_current: ContextVar[TraceContext | None] = ContextVar("tombola_trace", default=None)


def current() -> TraceContext | None:
    """Return the context of what runs now, in this thread; None where no trace is known."""
    return _current.get()


def become(context: TraceContext | None) -> Token[TraceContext | None]:
    """Make `context` the current one in this thread; return what `leave` takes to go back to the one before."""
    return _current.set(context)


def leave(token: Token[TraceContext | None]) -> None:
    """Make current again what was so before `become` returned this token."""
    _current.reset(token)


def new_trace_id() -> str:
    """Return a random trace id."""
    return secrets.token_hex(16)


def new_span_id() -> str:
    """Return a random span id."""
    return secrets.token_hex(8)


def of_headers(headers: Mapping[str, str]) -> Origin:
    """Return what `traceparent` or `x-cloud-trace-context` says; nothing where neither is well formed."""
    if context := parse(headers.get(TRACEPARENT, "")):
        return Origin(context)
    googles = headers.get("x-cloud-trace-context")
    if googles and (found := _CLOUD_TRACE.fullmatch(googles)):
        span = int(found[2]) % 2**64 if found[2] else 0
        if found[1] != _NO_TRACE:
            return Origin(TraceContext(found[1].lower(), f"{span:016x}" if span else None, found[3] == "1"))
    return Origin()


def of_message(attributes: Mapping[str, str], message_id: str) -> Origin | None:
    """Return what a message says, None when it says nothing.

    A message of a crowd (`tracelink`) begins a trace of its own, the same one however often it is delivered.
    """
    if context := parse(attributes.get(TRACEPARENT, "") or attributes.get(_FOREIGN, "")):
        return Origin(context, decided=True)
    if link := parse(attributes.get(TRACELINK, "")):
        cause = f"{link.trace_id} {attributes.get('event_id', message_id)}"
        return Origin(trace_id=hashlib.sha256(cause.encode()).hexdigest()[:32], link=link)
    return None


def parse(traceparent: str) -> TraceContext | None:
    """Return the context that a traceparent names; None when it is not well formed."""
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if found is None or found[1] == _NO_TRACE or found[2] == _NO_SPAN:
        return None
    return TraceContext(found[1], found[2], bool(int(found[3], 16) & 1))
