"""Spans and metrics by OTLP, OpenTelemetry's own protocol: to Google Cloud's Telemetry API, or to any collector.

The SDK does what it is good at: batches, retries, aggregation, the protocol. Spans reach it finished. Importing this
module imports OpenTelemetry.
"""

import uuid
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from tombola.runtime.settings import Settings
from tombola.runtime.tracing.contexts import TraceContext
from tombola.runtime.tracing.measures import METRICS, measures
from tombola.runtime.tracing.recording import Sampling
from tombola.runtime.tracing.spans import Kind, Span

if TYPE_CHECKING:
    from requests import Session

GOOGLE = "https://telemetry.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
EXPORT_SECONDS = 10.0
"""For one export with its retries. An instance that was told to stop has ten seconds, for spans and metrics together:
what cannot be delivered by then is lost, which is better than a killed process."""
SPANS_EVERY_MS = 2_000
"""Often, because an instance that serves nothing gets next to no processor time to send anything."""
METRICS_EVERY_MS = 60_000
"""Cloud Monitoring takes one point of a series in five seconds at most, and bills each."""
MOST_WAITING = 4_096
"""Spans, a few MiB. More are dropped rather than let memory grow."""

_SCOPE = InstrumentationScope("tombola")
_KINDS = {Kind.SERVER: SpanKind.SERVER, Kind.CONSUMER: SpanKind.CONSUMER, Kind.PRODUCER: SpanKind.PRODUCER}


class OtlpRecorder:
    """Exports sampled spans in batches from a thread of its own, and counts every span."""

    def __init__(self, spans: SpanExporter, metrics: MetricExporter, resource: Resource, sampling: Sampling) -> None:
        """Export with these exporters, as what `resource` says."""
        self.sampling = sampling
        self._resource = resource
        self._spans = BatchSpanProcessor(
            spans, max_queue_size=MOST_WAITING, schedule_delay_millis=SPANS_EVERY_MS, max_export_batch_size=512
        )
        reader = PeriodicExportingMetricReader(metrics, export_interval_millis=METRICS_EVERY_MS)
        self._meters = MeterProvider([reader], resource, shutdown_on_exit=False)
        meter = self._meters.get_meter("tombola")
        self._counters = {
            one.name: meter.create_counter(one.name, one.unit, one.description) for one in METRICS if not one.buckets
        }
        self._histograms = {
            one.name: meter.create_histogram(
                one.name, one.unit, one.description, explicit_bucket_boundaries_advisory=one.buckets
            )
            for one in METRICS
            if one.buckets
        }

    def record(self, span: Span) -> None:
        """Take a span."""
        for one in measures(span):
            if one.metric.buckets:
                self._histograms[one.metric.name].record(one.amount, one.attributes)
            else:
                self._counters[one.metric.name].add(one.amount, one.attributes)
        if span.context.sampled:
            self._spans.on_end(readable(span, self._resource))

    def close(self) -> None:
        """Export what is left. Spans first: metrics are cumulative, and a minute of them is missed the least."""
        self._spans.shutdown()  # type: ignore[no-untyped-call]
        self._meters.shutdown(timeout_millis=EXPORT_SECONDS * 1000)


def otlp_recorder(settings: Settings) -> OtlpRecorder:
    """Return the recorder that the settings ask for."""
    session = _google_session() if settings.telemetry == "google" else None
    base = settings.telemetry_endpoint or (GOOGLE if settings.telemetry == "google" else None)
    return OtlpRecorder(
        OTLPSpanExporter(_below(base, "v1/traces"), timeout=EXPORT_SECONDS, session=session),
        OTLPMetricExporter(_below(base, "v1/metrics"), timeout=EXPORT_SECONDS, session=session),
        _resource(settings),
        Sampling(settings.trace_sampling, settings.crowd_sampling),
    )


def readable(span: Span, resource: Resource) -> ReadableSpan:
    """Return a span as the SDK knows it."""
    return ReadableSpan(
        name=span.name,
        context=_context(span.context),
        parent=_context(TraceContext(span.context.trace_id, span.parent_id, sampled=True)) if span.parent_id else None,
        resource=resource,
        attributes=span.attributes,
        links=[Link(_context(link)) for link in span.links],
        kind=_KINDS[span.kind],
        instrumentation_scope=_SCOPE,
        status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
        start_time=span.started_at,
        end_time=span.ended_at,
    )


def _context(context: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(context.trace_id, 16), int(context.span_id or "0", 16), is_remote=True, trace_flags=flags)


def _resource(settings: Settings) -> Resource:
    """Return what this process is. `OTEL_RESOURCE_ATTRIBUTES` adds to it: Cloud Monitoring wants `cloud.region`."""
    ours = {"service.name": settings.function or "tombola", "service.instance.id": uuid.uuid4().hex}
    if settings.project:
        ours["gcp.project_id"] = settings.project
    return Resource(ours).merge(OTELResourceDetector().detect())


def _below(base: str | None, path: str) -> str | None:
    return f"{base.rstrip('/')}/{path}" if base else None


def _google_session() -> "Session":
    """Return a session that signs what it sends as this process's service account."""
    import google.auth  # noqa: PLC0415 (a collector of one's own needs no account)
    from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415

    credentials, _ = google.auth.default(scopes=[SCOPE])
    return AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
