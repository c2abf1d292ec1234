"""Metrics, a span and a time limit around use cases, from outside (law 8). Use cases know nothing of it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

from opentelemetry import trace
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry, Histogram

from library_adapters.telemetry.metrics import PREFIX, SECONDS, outcome_of
from library_adapters.telemetry.tracing import Tracing
from library_domain.shared.errors import DependencyUnavailable, DomainError

P = ParamSpec("P")
ResultT = TypeVar("ResultT")


class Instrument:
    """Wraps use cases and readers of one process: `instrument(handler, name="library.add", timeout_seconds=5)`."""

    def __init__(self, *, registry: CollectorRegistry, tracing: Tracing) -> None:
        self._tracer = tracing.tracer
        seconds = Histogram(
            f"{PREFIX}_use_case_duration_seconds",
            "How long a use case took, by how it ended.",
            ("use_case", "outcome"),
            buckets=SECONDS,
            registry=registry,
        )
        self._seconds = cache(seconds.labels)

    def __call__(
        self,
        handler: Callable[P, Awaitable[ResultT]],
        *,
        name: str,
        timeout_seconds: float,
    ) -> Callable[P, Coroutine[Any, Any, ResultT]]:
        """Return the handler with its duration measured, a span around it and at most `timeout_seconds` to run.

        What it returns raises DependencyUnavailable when the time is over, besides all that the handler raises.
        """

        async def instrumented(*args: P.args, **kwargs: P.kwargs) -> ResultT:
            started = perf_counter()
            outcome = "cancelled"
            with self._span(name) as span:
                try:
                    result = await _within(timeout_seconds, name, handler(*args, **kwargs))
                except Exception as error:
                    outcome = outcome_of(error)
                    _mark(span, error)
                    raise
                else:
                    outcome = "ok"
                    return result
                finally:
                    span.set_attribute("library.outcome", outcome)
                    self._seconds(name, outcome).observe(perf_counter() - started)

        return instrumented

    def _span(self, name: str) -> AbstractContextManager[trace.Span]:
        """Return a span for the block; in a trace that is not recorded, the one that is there."""
        current = trace.get_current_span()
        context = current.get_span_context()
        if context.is_valid and not context.trace_flags.sampled:
            return nullcontext(current)
        # Spans get the error's type only: its text may quote rows or tokens (the logs have it, redacted).
        return self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)


async def _within(seconds: float, name: str, work: Awaitable[ResultT]) -> ResultT:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await work
    except TimeoutError as error:
        if limit.expired():
            raise DependencyUnavailable(name) from error
        raise  # some other wait's, which should have been translated where it happened


def _mark(span: trace.Span, error: Exception) -> None:
    span.set_attribute("error.type", type(error).__qualname__)
    if not isinstance(error, DomainError) or isinstance(error, DependencyUnavailable):
        span.set_status(StatusCode.ERROR)
