"""Spans as JSON lines on standard error, for whoever looks at one function on a terminal."""

import json
import sys
from dataclasses import dataclass, field

from tombola.runtime.tracing.recording import Sampling
from tombola.runtime.tracing.spans import Span, facts

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class ConsoleRecorder:
    """Writes every span when it ends, sampled or not."""

    sampling: Sampling = field(default_factory=Sampling)

    def record(self, span: Span) -> None:
        """Write one line."""
        sys.stderr.write(_encode(facts(span)) + "\n")

    def close(self) -> None:
        """Nothing is held back."""
