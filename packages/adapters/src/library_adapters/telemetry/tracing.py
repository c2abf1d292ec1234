"""Traces with OpenTelemetry (spec 8.3): W3C trace context in and out, spans to an OTLP collector if there is one.

The provider belongs to the process's `Tracing` and is handed to each instrumentation (`tracer_provider=`); there is
no global one. Spans carry neither SQL parameters nor tokens nor bodies: see `_Redacting`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes, AttributeValue
from pydantic import Field

from library_adapters.configuration import URL
from library_adapters.telemetry.lines import SERVICE_NAME
from library_adapters.telemetry.redaction import MASK, is_sensitive, redact

_PROPAGATOR = TraceContextTextMapPropagator()
_QUEUED_SPANS = 2048
_EXPORT_SECONDS = 5
_LIMITS = SpanLimits(
    max_span_attributes=64,
    max_events=16,
    max_links=16,
    max_span_attribute_length=8192,  # the longest of our statements, whole
    max_event_attributes=8,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingSettings:
    """The section `tracing`."""

    endpoint: URL | None = None
    """Base address of an OTLP/HTTP collector (`http://collector:4318`); None: spans exist but go nowhere."""
    ratio: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Share of the traces begun here that are recorded: a span costs more than many a statement. A trace that came in
    keeps its caller's decision, and one that is not recorded still has its ids, in the logs and for whoever is called.
    """


class Tracing:
    """The traces of one process."""

    def __init__(
        self, settings: TracingSettings, *, component: str, exporter: SpanExporter | None = None
    ) -> None:
        """Start exporting in the background; `exporter` is a test's own and gets each span as it ends."""
        self.provider = TracerProvider(
            resource=Resource.create({"service.name": SERVICE_NAME, "library.component": component}),
            sampler=ParentBased(TraceIdRatioBased(settings.ratio)),
            span_limits=_LIMITS,
            shutdown_on_exit=False,  # the process's exit stack calls close()
        )
        self.tracer = self.provider.get_tracer("library")
        if exporter is not None:
            self.provider.add_span_processor(SimpleSpanProcessor(_Redacting(exporter)))
        elif settings.endpoint is not None:
            collector = OTLPSpanExporter(
                endpoint=f"{settings.endpoint.rstrip('/')}/v1/traces",
                timeout=_EXPORT_SECONDS,
            )
            self.provider.add_span_processor(
                BatchSpanProcessor(
                    _Redacting(collector),
                    max_queue_size=_QUEUED_SPANS,  # beyond it spans are dropped; work never waits for a collector
                    export_timeout_millis=_EXPORT_SECONDS * 1000,
                ),
            )

    def continued(
        self,
        headers: Mapping[str, str | bytes],
        name: str,
        *,
        kind: SpanKind = SpanKind.SERVER,
        attributes: Attributes = None,
    ) -> AbstractContextManager[trace.Span]:
        """Return what runs a block in a span that continues the trace of incoming headers, or begins one if they bear none.

        `headers` are those of HTTP, gRPC metadata or a Kafka record, their names in any case.
        """
        carrier = {key.lower(): _text(value) for key, value in headers.items()}
        span = self.tracer.start_span(
            name,
            context=_PROPAGATOR.extract(carrier) if carrier else Context(),
            kind=kind,
            attributes=attributes,
        )
        if span.is_recording():
            return trace.use_span(span, end_on_exit=True, record_exception=False)
        return _Unrecorded(span)

    def close(self) -> None:
        """Send what is queued, waiting for at most some seconds, and stop. Blocks: call it in a thread."""
        self.provider.shutdown()


def trace_headers() -> dict[str, str]:
    """Return `traceparent` and `tracestate` of the current span, empty without one; to be sent or stored."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier


class _Unrecorded:
    """Makes a span the current one for its block, as `use_span` does, and does no more: nobody will ever see it."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def __enter__(self) -> trace.Span:
        self._token = attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(self, *_: object) -> None:
        detach(self._token)


class _Redacting(SpanExporter):
    """Cleans spans of all instrumentations, ours and others', at the one place that each must pass.

    Exceptions are reduced to their type, for their text may quote a row (PostgreSQL's DETAIL) or a header; the logs
    have it, redacted, under the same trace id. Status descriptions, which repeat that text, are dropped.
    """

    def __init__(self, target: SpanExporter) -> None:
        self._target = target

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export cleaned copies."""
        return self._target.export([_cleaned(span) for span in spans])

    def shutdown(self) -> None:
        """Shut the real exporter down."""
        self._target.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the real exporter."""
        return self._target.force_flush(timeout_millis)


def _cleaned(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_cleaned_attributes(span.attributes),
        events=[
            Event(each.name, _cleaned_attributes(each.attributes), each.timestamp) for each in span.events
        ],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _cleaned_attributes(attributes: Attributes) -> dict[str, AttributeValue]:
    return {
        name: _cleaned_value(name, value)
        for name, value in (attributes or {}).items()
        if name not in ("exception.message", "exception.stacktrace")
    }


def _cleaned_value(name: str, value: AttributeValue) -> AttributeValue:
    if is_sensitive(name):
        return MASK
    return redact(value) if isinstance(value, str) else value


def _text(value: str | bytes) -> str:
    # What is not ASCII is no trace context; the propagator then begins a new trace.
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value
