"""Which recorder the settings ask for."""

from tombola.runtime.settings import Settings
from tombola.runtime.tracing.recording import Recorder, Sampling


def recorder_of(settings: Settings) -> Recorder | None:
    """Return the recorder, None when nobody is to get spans."""
    match settings.telemetry:
        case "none":
            return None
        case "console":
            from tombola.runtime.tracing.console import ConsoleRecorder  # noqa: PLC0415 (only when wanted)

            return ConsoleRecorder()
        case "google" | "otlp":
            from tombola.runtime.tracing.deferred import DeferredRecorder  # noqa: PLC0415 (only when wanted)

            return DeferredRecorder(
                Sampling(settings.trace_sampling, settings.crowd_sampling), lambda: _exporting(settings)
            )


def _exporting(settings: Settings) -> Recorder:
    from tombola.runtime.tracing.otlp import otlp_recorder  # noqa: PLC0415 (imports OpenTelemetry)

    return otlp_recorder(settings)
