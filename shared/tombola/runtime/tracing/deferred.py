"""A recorder that is made in the background: a cold start answers first and imports OpenTelemetry meanwhile."""

import threading
from collections import deque
from collections.abc import Callable

from tombola.runtime.logs import logger
from tombola.runtime.tracing.recording import Recorder, Sampling
from tombola.runtime.tracing.spans import Span

MOST_WAITING = 4_096
"""Spans that wait until the recorder is made; of more, the latest. It takes part of a second."""
PATIENCE = 10.0
"""Seconds that an instance has once it was told to stop."""


class DeferredRecorder:
    """Holds spans back until the recorder that `make` returns is there, then passes them all on."""

    def __init__(self, sampling: Sampling, make: Callable[[], Recorder]) -> None:
        """Begin to make it, in a thread of its own."""
        self.sampling = sampling
        self._waiting: deque[Span] = deque(maxlen=MOST_WAITING)
        self._made: Recorder | None = None
        self._thread = threading.Thread(target=self._make, args=(make,), name="telemetry", daemon=True)
        self._thread.start()

    def record(self, span: Span) -> None:
        """Take a span."""
        self._waiting.append(span)
        self._pass_on()

    def close(self) -> None:
        """Wait until the recorder is made, and close it."""
        self._thread.join(PATIENCE)
        if self._made is not None:
            self._pass_on()
            self._made.close()

    def _make(self, make: Callable[[], Recorder]) -> None:
        try:
            self._made = make()
        except Exception:  # noqa: BLE001 (a missing extra, no account: nothing that callers came for)
            logger().exception("telemetry unavailable")
        self._pass_on()

    def _pass_on(self) -> None:
        while self._made is not None:
            try:
                span = self._waiting.popleft()
            except IndexError:
                return
            self._made.record(span)
