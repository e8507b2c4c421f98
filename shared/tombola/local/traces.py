"""The traces of this machine: the latest spans, kept in the home folder for the console.

It is a recorder like those that export, without OpenTelemetry: what it must be is quick, and bounded.
"""

import json
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tombola.runtime.tracing.recording import Sampling
from tombola.runtime.tracing.spans import Span, facts

FILE = "traces.sqlite"
MOST_KEPT = 500
"""Traces of each kind: neither a large file nor what a clock calls every minute may push the webhooks out."""
SINGLE, CROWD, TIMER = "single", "crowd", "timer"
CROWDS_KEPT = 0.02
"""Share of a crowd's traces that is kept. A file of a million rows would write more spans than work."""
TOGETHER = 256
"""Spans written in one transaction, or what came in a second: one by one they would cost more than they tell."""
SECONDS = 1.0

Facts = dict[str, object]

_encode = json.JSONEncoder(separators=(",", ":")).encode

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS traces (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    trace_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS spans (
    trace_id TEXT NOT NULL REFERENCES traces (trace_id),
    started_at INTEGER NOT NULL,
    event_id TEXT,
    facts TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS spans_of_trace ON spans (trace_id, started_at);
CREATE INDEX IF NOT EXISTS spans_of_event ON spans (event_id) WHERE event_id IS NOT NULL;
"""


class Traces:
    """Takes spans and gives them back, trace by trace. Safe under threads; a home has one."""

    sampling = Sampling(each=1.0, crowd=CROWDS_KEPT)

    def __init__(self, home: Path, most_kept: int = MOST_KEPT) -> None:
        """Keep them under `home`, which exists, and of each kind the `most_kept` latest."""
        self._connection = sqlite3.connect(home / FILE, isolation_level=None, check_same_thread=False)
        self._connection.executescript(_SCHEMA)
        self._most_kept = most_kept
        self._waiting: deque[Span] = deque()
        self._lock = threading.Lock()
        self._written = time.monotonic()

    def record(self, span: Span) -> None:
        """Take a span, if its trace is one of those to keep."""
        if not span.context.sampled:
            return
        self._waiting.append(span)
        if len(self._waiting) >= TOGETHER or time.monotonic() - self._written > SECONDS:
            self._write()

    def recent(self, limit: int) -> list[list[Facts]]:
        """Return the spans of the latest traces, the latest first; of a clock's calls those that sent something."""
        sent = "(SELECT count(*) FROM spans WHERE spans.trace_id = traces.trace_id) > 1"
        return self._read(
            f"SELECT trace_id FROM traces WHERE kind <> ? OR {sent} ORDER BY number DESC LIMIT ?",  # noqa: S608
            (TIMER, limit),
        )

    def of_events(self, event_ids: Sequence[str]) -> list[list[Facts]]:
        """Return the spans of every trace in which one of these events was sent or handled, the latest first."""
        marks = ", ".join("?" * len(event_ids))
        wanted = f"SELECT DISTINCT trace_id FROM spans WHERE event_id IN ({marks})"  # noqa: S608 (marks alone)
        return self._read(f"SELECT trace_id FROM traces WHERE trace_id IN ({wanted}) ORDER BY number DESC", event_ids)  # noqa: S608

    def of_trace(self, trace_id: str) -> list[Facts]:
        """Return the spans of one trace in the order they began; none when it is not kept."""
        found = self._read("SELECT trace_id FROM traces WHERE trace_id = ?", (trace_id,))
        return found[0] if found else []

    def close(self) -> None:
        """Write what waits, and close the file."""
        self._write()
        self._connection.close()

    def _read(self, statement: str, parameters: Sequence[object]) -> list[list[Facts]]:
        self._write()
        with self._lock:
            chosen = self._connection.execute(statement, parameters).fetchall()
            spans = "SELECT facts FROM spans WHERE trace_id = ? ORDER BY started_at"
            return [[json.loads(text) for (text,) in self._connection.execute(spans, one)] for one in chosen]

    def _write(self) -> None:
        with self._lock:
            self._written = time.monotonic()
            spans = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if not spans:
                return
            with suppress(sqlite3.Error), self._connection:  # a full disk is told by whoever cannot work without it
                self._connection.execute("BEGIN")
                self._insert(spans)
                self._forget()

    def _insert(self, spans: Sequence[Span]) -> None:
        self._connection.executemany(
            "INSERT INTO traces (trace_id, kind) VALUES (?1, ?2)"
            " ON CONFLICT (trace_id) DO UPDATE SET kind = ?2 WHERE kind = ?3",
            [(span.context.trace_id, _kind(span), SINGLE) for span in spans],
        )
        self._connection.executemany(
            "INSERT INTO spans VALUES (?, ?, ?, ?)",
            [
                (span.context.trace_id, span.started_at, span.attributes.get("cloudevents.event_id"), _text(span))
                for span in spans
            ],
        )

    def _forget(self) -> None:
        for kind in (SINGLE, CROWD, TIMER):
            old = "SELECT trace_id FROM traces WHERE kind = ? ORDER BY number DESC LIMIT -1 OFFSET ?"
            for (trace_id,) in self._connection.execute(old, (kind, self._most_kept)).fetchall():
                self._connection.execute("DELETE FROM spans WHERE trace_id = ?", (trace_id,))
                self._connection.execute("DELETE FROM traces WHERE trace_id = ?", (trace_id,))


def _kind(span: Span) -> str:
    """Return what a span makes of its trace: only the one that begins it knows."""
    if span.parent_id is None and span.links:
        return CROWD
    return TIMER if span.attributes.get("faas.trigger") == "timer" else SINGLE


def _text(span: Span) -> str:
    return _encode(facts(span))
