import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from library_adapters.telemetry import Tracing, TracingSettings, trace_headers

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
UNSAMPLED = f"00-{TRACE}-00f067aa0ba902b7-00"


def is_kept(headers: dict[str, str]) -> bool:
    """Tell whether the headers' trace flags have the bit "sampled"."""
    return bool(int(headers["traceparent"].rpartition("-")[2], 16) & 1)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Iterator[Tracing]:
    tracing = Tracing(TracingSettings(ratio=1.0), component="relay", exporter=exporter)
    yield tracing
    tracing.close()


def test_there_are_no_headers_without_a_span() -> None:
    assert trace_headers() == {}


@pytest.mark.parametrize(
    "headers",
    [{"traceparent": PARENT}, {"Traceparent": PARENT}, {"traceparent": PARENT.encode()}],
)
def test_a_trace_goes_on_from_headers_to_headers(
    tracing: Tracing, exporter: InMemorySpanExporter, headers: dict[str, str | bytes]
) -> None:
    with tracing.continued(headers, "consume", kind=SpanKind.CONSUMER, attributes={"topic": "x"}):
        sent = trace_headers()

    (span,) = exporter.get_finished_spans()
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert sent["traceparent"].startswith(f"00-{TRACE}-{span.context.span_id:016x}-01")
    assert span.kind is SpanKind.CONSUMER
    assert span.attributes == {"topic": "x"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"traceparent": "garbage"},
        {"traceparent": b"\xff\xfe"},
        {"traceparent": f"00-{'0' * 32}-{'0' * 16}-01"},
    ],
)
def test_a_trace_begins_where_headers_bear_none(
    tracing: Tracing, exporter: InMemorySpanExporter, headers: dict[str, str | bytes]
) -> None:
    # Nor does it go on from a span that happens to be the current one where the headers arrive.
    with tracing.tracer.start_as_current_span("another"), tracing.continued(headers, "consume"):
        assert trace_headers()["traceparent"]

    span, _ = exporter.get_finished_spans()
    assert span.parent is None


def test_the_callers_decision_not_to_keep_a_trace_is_kept(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    with tracing.continued({"traceparent": UNSAMPLED}, "consume"):
        assert not is_kept(trace_headers())

    assert exporter.get_finished_spans() == ()


def test_of_the_traces_begun_here_the_configured_share_is_kept(exporter: InMemorySpanExporter) -> None:
    tracing = Tracing(TracingSettings(ratio=0), component="api", exporter=exporter)

    with tracing.continued({}, "request"), tracing.tracer.start_as_current_span("inner"):
        assert not is_kept(trace_headers())

    assert exporter.get_finished_spans() == ()


def test_spans_name_the_service_and_the_component(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    with tracing.continued({}, "x"):
        pass

    (span,) = exporter.get_finished_spans()
    assert span.resource.attributes["service.name"] == "library-service"
    assert span.resource.attributes["library.component"] == "relay"


def test_an_exceptions_text_stays_out_of_spans(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    # As the instrumentations of psycopg and ASGI do it.
    with pytest.raises(ValueError, match="hunter2"), tracing.tracer.start_as_current_span("INSERT"):
        raise ValueError("Key (note)=(hunter2) already exists")

    (span,) = exporter.get_finished_spans()
    assert "hunter2" not in span.to_json()
    assert span.status.status_code is StatusCode.ERROR
    assert span.events[0].attributes == {"exception.type": "ValueError", "exception.escaped": "False"}


def test_attributes_are_masked_by_look_and_by_name(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    with tracing.continued({}, "x") as span:
        span.set_attribute("url.query", "token=hunter2")
        span.set_attribute("http.request.header.authorization", ("hunter2",))
        span.set_attribute("http.response.status_code", 200)

    (exported,) = exporter.get_finished_spans()
    assert exported.attributes == {
        "url.query": "token=***",
        "http.request.header.authorization": "***",
        "http.response.status_code": 200,
    }


def test_spans_exist_without_a_collector() -> None:
    tracing = Tracing(TracingSettings(ratio=1.0), component="api")

    with tracing.continued({}, "x"):
        assert trace.get_current_span().is_recording()
        assert trace_headers()["traceparent"]

    tracing.close()


def test_there_is_no_global_provider(tracing: Tracing) -> None:
    assert trace.get_tracer_provider() is not tracing.provider


def test_spans_are_sent_to_the_collector_at_the_latest_on_close() -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings = TracingSettings(ratio=1.0, endpoint=f"http://127.0.0.1:{server.server_address[1]}/")
        tracing = Tracing(settings, component="api")
        with tracing.continued({}, "the-span"):
            pass
        tracing.close()
        server.shutdown()
        thread.join()

    ((path, body),) = received
    assert path == "/v1/traces"
    assert b"the-span" in body


@pytest.mark.timeout(30)
def test_a_collector_that_is_away_does_not_hold_up_the_stop() -> None:
    tracing = Tracing(TracingSettings(endpoint="http://127.0.0.1:9"), component="api")
    with tracing.continued({}, "x"):
        pass

    tracing.close()
