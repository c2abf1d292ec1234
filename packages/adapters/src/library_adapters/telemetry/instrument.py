"""Metrics, a span and a time limit around use cases, from outside (law 8). Use cases know nothing of it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
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

_TICK_SECONDS = 0.1
_COARSE_SECONDS = 1.0
"""Shorter limits are kept to the millisecond."""


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
        self._patience = _Patience()

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
                    result = await self._within(timeout_seconds, name, handler(*args, **kwargs))
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

    async def _within(self, seconds: float, name: str, work: Awaitable[ResultT]) -> ResultT:
        limit = self._patience.begin(seconds)
        try:
            async with limit:
                return await work
        except TimeoutError as error:
            if limit.expired():
                raise DependencyUnavailable(name) from error
            raise  # some other wait's, which should have been translated where it happened
        finally:
            self._patience.end(limit)

    def _span(self, name: str) -> AbstractContextManager[trace.Span]:
        """Return a span for the block; in a trace that is not recorded, the one that is there."""
        current = trace.get_current_span()
        context = current.get_span_context()
        if context.is_valid and not context.trace_flags.sampled:
            return nullcontext(current)
        # Spans get the error's type only: its text may quote rows or tokens (the logs have it, redacted).
        return self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)


class _Patience:
    """Time limits of many calls, all checked by one timer ten times a second. For one event loop.

    A timer of its own for every call, which hardly ever fires, would cost as much as a small read.
    """

    def __init__(self) -> None:
        self._ends: dict[asyncio.Timeout, float] = {}
        self._is_ticking = False

    def begin(self, seconds: float) -> asyncio.Timeout:
        """Return a limit that ends its block after so many seconds, or up to a tenth of one later."""
        if seconds < _COARSE_SECONDS:
            return asyncio.timeout(seconds)
        loop = asyncio.get_running_loop()
        limit = asyncio.timeout(None)
        self._ends[limit] = loop.time() + seconds
        if not self._is_ticking:
            self._is_ticking = True
            loop.call_later(_TICK_SECONDS, self._tick, loop, context=Context())
        return limit

    def end(self, limit: asyncio.Timeout) -> None:
        """Forget a limit that is not needed any more."""
        self._ends.pop(limit, None)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for limit in [limit for limit, end in self._ends.items() if end <= now]:
            self.end(limit)
            limit.reschedule(now)
        self._is_ticking = bool(self._ends)
        if self._is_ticking:
            loop.call_later(_TICK_SECONDS, self._tick, loop, context=Context())


def _mark(span: trace.Span, error: Exception) -> None:
    span.set_attribute("error.type", type(error).__qualname__)
    if not isinstance(error, DomainError) or isinstance(error, DependencyUnavailable):
        span.set_status(StatusCode.ERROR)
