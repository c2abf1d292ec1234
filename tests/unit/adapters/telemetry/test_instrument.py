import asyncio
from dataclasses import dataclass

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry

from library_adapters.telemetry import DoorMetrics, Instrument, Tracing, TracingSettings, new_registry
from library_domain.shared.errors import DependencyUnavailable, Unauthenticated, ValidationFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Double:
    number: int


class DoubleHandler:
    def __init__(self, failure: BaseException | None = None) -> None:
        self._failure = failure

    async def __call__(self, command: Double) -> int:
        if self._failure is not None:
            raise self._failure
        return command.number * 2


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def instrument(registry: CollectorRegistry, exporter: InMemorySpanExporter) -> Instrument:
    return Instrument(
        registry=registry, tracing=Tracing(TracingSettings(ratio=1.0), component="api", exporter=exporter)
    )


def count(registry: CollectorRegistry, outcome: str) -> float | None:
    labels = {"use_case": "numbers.double", "outcome": outcome}
    return registry.get_sample_value("library_use_case_duration_seconds_count", labels)


async def test_a_use_case_is_measured_and_traced_and_answers_as_before(
    instrument: Instrument, registry: CollectorRegistry, exporter: InMemorySpanExporter
) -> None:
    double = instrument(DoubleHandler(), name="numbers.double", timeout_seconds=1)

    assert await double(Double(number=2)) == 4

    assert count(registry, "ok") == 1
    (span,) = exporter.get_finished_spans()
    assert span.name == "numbers.double"
    assert span.attributes == {"library.outcome": "ok"}
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (ValidationFailed(field="number"), "invalid"),
        (Unauthenticated(), "unauthenticated"),
        (DependencyUnavailable("postgres"), "unavailable"),
        (RuntimeError("hunter2"), "error"),
        (TimeoutError("hunter2"), "error"),
    ],
)
async def test_a_failure_passes_through_and_its_kind_is_counted(
    instrument: Instrument,
    registry: CollectorRegistry,
    exporter: InMemorySpanExporter,
    failure: Exception,
    outcome: str,
) -> None:
    double = instrument(DoubleHandler(failure), name="numbers.double", timeout_seconds=1)

    with pytest.raises(type(failure)) as raised:
        await double(Double(number=2))

    assert raised.value is failure
    assert count(registry, outcome) == 1
    (span,) = exporter.get_finished_spans()
    assert (span.status.status_code is StatusCode.ERROR) == (outcome in {"unavailable", "error"})
    assert span.attributes == {"library.outcome": outcome, "error.type": type(failure).__name__}
    assert "hunter2" not in span.to_json()


async def test_a_use_case_that_takes_too_long_is_unavailable(
    instrument: Instrument, registry: CollectorRegistry
) -> None:
    async def never(command: Double) -> int:
        await asyncio.Event().wait()
        return command.number

    double = instrument(never, name="numbers.double", timeout_seconds=0.01)

    with pytest.raises(DependencyUnavailable) as late:
        await double(Double(number=1))

    assert late.value.details == {"dependency": "numbers.double"}
    assert count(registry, "unavailable") == 1


async def test_a_use_case_whose_caller_left_is_counted_as_cancelled(
    instrument: Instrument, registry: CollectorRegistry
) -> None:
    started = asyncio.Event()

    async def never(command: Double) -> int:
        started.set()
        await asyncio.Event().wait()
        return command.number

    running = asyncio.create_task(
        instrument(never, name="numbers.double", timeout_seconds=10)(Double(number=1))
    )
    await started.wait()
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert count(registry, "cancelled") == 1


async def test_calls_of_a_second_and_more_share_a_timer_and_end_in_time(
    instrument: Instrument, registry: CollectorRegistry
) -> None:
    async def never(command: Double) -> int:
        await asyncio.Event().wait()
        return command.number

    slow = instrument(never, name="numbers.double", timeout_seconds=1)
    quick = instrument(DoubleHandler(), name="numbers.double", timeout_seconds=1)
    patient = asyncio.create_task(
        instrument(never, name="numbers.double", timeout_seconds=10)(Double(number=1))
    )
    began = asyncio.get_running_loop().time()

    outcomes = await asyncio.gather(*(slow(Double(number=1)) for _ in range(3)), return_exceptions=True)
    seconds = asyncio.get_running_loop().time() - began

    assert [type(outcome) for outcome in outcomes] == [DependencyUnavailable] * 3
    assert seconds >= 1
    assert await quick(Double(number=2)) == 4
    assert not patient.done()
    patient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await patient
    assert count(registry, "unavailable") == 3


def test_requests_are_counted_by_door_operation_and_outcome(registry: CollectorRegistry) -> None:
    metrics = DoorMetrics("rest", registry)

    metrics.observe("library.list", outcome="200", seconds=0.02)
    with metrics.measure("library.list"):
        pass
    with pytest.raises(Unauthenticated), metrics.measure("library.list"):
        raise Unauthenticated

    labels = {"door": "rest", "operation": "library.list"}
    for outcome in ("200", "ok", "unauthenticated"):
        assert registry.get_sample_value("library_requests_total", {**labels, "outcome": outcome}) == 1
    assert (
        registry.get_sample_value(
            "library_request_duration_seconds_bucket", {**labels, "outcome": "200", "le": "0.025"}
        )
        == 1
    )


def test_a_new_registry_tells_of_the_process() -> None:
    names = {family.name for family in new_registry().collect()}

    assert {"process_cpu_seconds", "python_gc_collections", "python_info"} <= names


async def test_a_trace_that_is_not_recorded_gets_no_more_spans(registry: CollectorRegistry) -> None:
    tracing = Tracing(TracingSettings(ratio=0.0), component="api")
    seen: list[trace.Span] = []

    async def look() -> None:
        seen.append(trace.get_current_span())

    watched = Instrument(registry=registry, tracing=tracing)(look, name="numbers.double", timeout_seconds=1)

    with tracing.continued({}, "GET") as door:
        await watched()

    assert seen == [door]
    assert count(registry, "ok") == 1
