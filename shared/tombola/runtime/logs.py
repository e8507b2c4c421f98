"""Logs: one JSON object a line, in the field names of Cloud Logging, with nothing of anybody's data in it.

What may be logged is listed here. A field that is not on the list is dropped, a value that does not
have its field's form is masked, and an exception shows its type and its stack but never its words:
messages of exceptions repeat what they choked on.
Field names: https://cloud.google.com/logging/docs/structured-logging
"""

import logging
import re
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, TextIO

from tombola.runtime.faults import Misconfigured
from tombola.runtime.tracing.contexts import current

_WORDS, _NUMBER = re.compile(r"[a-z]+([_-][a-z]+){0,9}"), re.compile(r"(?!)")
_ID = re.compile(r"[0-9a-fA-F-]{1,64}")
ALLOWED: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(("function", "outcome", "code", "subscription", "lane", "topic", "table", "trigger"), _WORDS),
    "method": re.compile(r"GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS"),
    **dict.fromkeys(("error", "logger"), re.compile(r"[A-Za-z_.]{1,100}")),
    **dict.fromkeys(("event_id", "message_id"), _ID),
    **dict.fromkeys(("status", "duration_ms", "attempt", "count", "port", "lost_races", "cold"), _NUMBER),
}
"""Fields that may be logged, and what their text must look like; numbers and truths are always fine."""

_SEVERITIES = {"warn": "WARNING", "exception": "ERROR"}
_PREFIX = "logging.googleapis.com/"
_OWN = ("severity", "message", "time", "stack_trace", f"{_PREFIX}trace", f"{_PREFIX}spanId", f"{_PREFIX}trace_sampled")

_NUMBERS = (int, float)  # and truths
_lock = threading.RLock()
_configured = False
_project: str | None = None


class _StandardOut:
    """Standard output as it is when a line is written, so that who redirects it gets the lines."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


class _ForeignHandler(logging.Handler):
    """Takes what libraries log into the same stream: their template, never what they filled into it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            logger().log(
                record.levelno, str(record.msg) if record.args else "a library's line", logger=record.name,
                exc_info=record.exc_info,
            )  # fmt: skip
        except Exception:  # noqa: BLE001 (a handler must not raise into whoever logs)
            self.handleError(record)


_foreign = _ForeignHandler(logging.WARNING)


def configure(stream: TextIO | None = None, level: str = "info", project: str | None = None) -> None:
    """Write lines of at least `level` to `stream`, standard output by default.

    `project` makes trace ids into the full names by which Cloud Logging groups lines. May be called again.
    """
    import structlog  # noqa: PLC0415 (costs a cold start what it need not)

    global _configured, _project
    with _lock:
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                _traced,
                _named_for_cloud_logging,
                _allowed_only,
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
            logger_factory=structlog.WriteLoggerFactory(file=stream or _StandardOut()),  # type: ignore[arg-type]
            cache_logger_on_first_use=False,
        )
        logging.getLogger().addHandler(_foreign)
        _configured, _project = True, project


def logger() -> Any:  # noqa: ANN401 (structlog's loggers are typed by their methods' names)
    """Return a logger; configured from the settings if nobody has configured it before."""
    import structlog  # noqa: PLC0415 (see configure)

    with _lock:
        if not _configured:
            _configure_from_settings()
    return structlog.get_logger()


def within(**fields: object) -> AbstractContextManager[object]:
    """Return a block whose lines all carry `fields`."""
    import structlog  # noqa: PLC0415 (see configure)

    return structlog.contextvars.bound_contextvars(**fields)


def masked(name: str, value: object) -> object:
    """Return what may be said of an allowed field: the value, or that it does not have the field's form."""
    if value is None or isinstance(value, _NUMBERS):
        return value
    return value if isinstance(value, str) and ALLOWED[name].fullmatch(value) else "(masked)"


def stack_of(error: BaseException) -> str:
    """Return the stacks of an exception and of its causes, in Python's form, without their messages."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = "".join(traceback.format_tb(current.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{_words(current)}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n\nwhile handling, or because of:\n\n".join(reversed(parts))


def _words(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return f"{name}: {error}" if isinstance(error, Misconfigured) else name


def _traced(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the span in which the line is written, by the names that lead from a line to its trace."""
    if (context := current()) is not None:
        line[f"{_PREFIX}trace"] = f"projects/{_project}/traces/{context.trace_id}" if _project else context.trace_id
        if context.span_id:
            line[f"{_PREFIX}spanId"] = context.span_id
        line[f"{_PREFIX}trace_sampled"] = context.sampled
    return line


def _configure_from_settings() -> None:
    from tombola.runtime.settings import read_settings  # noqa: PLC0415 (costs a cold start what it need not)

    try:
        settings = read_settings()
    except Misconfigured:
        configure()  # whoever needs the settings next says what is wrong with them, into this log
    else:
        configure(level=settings.log_level, project=settings.project)


def _named_for_cloud_logging(_: object, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Rename structlog's fields: severity, message, time, stack_trace."""
    error = line.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        line["stack_trace"] = stack_of(error)
    line["severity"] = _SEVERITIES.get(method, method.upper())
    line["message"] = str(line.pop("event", ""))[:500]
    line["time"] = datetime.now(UTC).isoformat()
    return line


def _allowed_only(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop or mask whatever is not known to be harmless, and say how much that was."""
    kept = {name: line[name] for name in _OWN if name in line}
    for name, value in line.items():
        if name in ALLOWED:
            kept[name] = masked(name, value)
    if dropped := len(line) - len(kept):
        kept["dropped_fields"] = dropped
    return kept
