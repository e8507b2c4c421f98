"""Spans as JSON lines on standard error, for whoever looks at one function on a terminal."""

import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tombola.runtime.tracing.recording import Sampling
from tombola.runtime.tracing.spans import Span


@dataclass(frozen=True, slots=True)
class ConsoleRecorder:
    """Writes every span when it ends, sampled or not."""

    sampling: Sampling = field(default_factory=Sampling)

    def record(self, span: Span) -> None:
        """Write one line."""
        sys.stderr.write(json.dumps(facts(span), separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Nothing is held back."""


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
