"""How we call a service that may be slow, sick or away (reliability 1).

From the outside in: a bound on the whole, a few tries with jitter, the circuit breaker around each try. The breaker
is inside so that it counts what happens on the wire, and an open circuit ends the tries at once.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina
from grpclib.const import Status
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError
from interlock import CircuitBreaker, CircuitOpenError, Clock, Config
from prometheus_client import CollectorRegistry

from library_adapters.platform.circuit import CircuitReport
from library_adapters.platform.settings import CallLimits
from library_domain.shared.errors import DependencyUnavailable

AnswerT = TypeVar("AnswerT")

_CONNECTION = (OSError, TimeoutError, StreamTerminatedError)
"""The call did not come through, or no answer came back: what gRPC calls UNAVAILABLE and DEADLINE_EXCEEDED."""
_AGAIN = frozenset({Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED})
_REFUSALS = frozenset(
    {
        Status.INVALID_ARGUMENT,
        Status.NOT_FOUND,
        Status.ALREADY_EXISTS,
        Status.PERMISSION_DENIED,
        Status.UNAUTHENTICATED,
        Status.FAILED_PRECONDITION,
        Status.OUT_OF_RANGE,
        Status.UNIMPLEMENTED,
    },
)
"""Answers of a service that works and says no: they open no circuit."""


class Calls:
    """Calls to one service, all behind one circuit breaker. Every call must be safe to repeat."""

    def __init__(
        self,
        dependency: str,
        limits: CallLimits,
        *,
        registry: CollectorRegistry,
        on_open: Callable[[], None],
        clock: Clock | None = None,
    ) -> None:
        """`on_open` runs whenever the circuit opens."""
        self._dependency = dependency
        self._limits = limits
        self._breaker = CircuitBreaker(
            name=dependency,
            config=Config(
                failure_rate_threshold=limits.failure_rate,
                minimum_number_of_calls=min(limits.minimum_tries, limits.window),
                window_size=limits.window,
                wait_duration_in_open=limits.open_seconds,
                permitted_calls_in_half_open=1,
                max_concurrent_probes=1,
            ),
            clock=clock,
            classifier=_Sickness(),
            listener=CircuitReport(dependency, registry=registry, on_open=on_open),
        )
        self._retry = stamina.AsyncRetryingCaller(
            attempts=limits.tries,
            timeout=None,  # the whole is bounded below, running tries included
            wait_initial=limits.pause_seconds,
            wait_max=limits.total_seconds,
            wait_jitter=limits.pause_seconds,
        ).on(_may_help_to_ask_again)

    async def __call__(self, attempt: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        """Return what `attempt` answers; it is awaited once per try.

        Raises DependencyUnavailable when no answer came in time, the circuit is open, or the service refused us.
        """
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                return await self._retry(self._breaker.call_async, attempt)
        except CircuitOpenError as error:
            seconds = max(1, math.ceil(error.retry_after or self._limits.open_seconds))
            raise DependencyUnavailable(self._dependency, retry_after_seconds=seconds) from error
        except (GRPCError, ProtocolError, *_CONNECTION) as error:
            raise DependencyUnavailable(self._dependency) from error


class _Sickness:
    """Tells the breaker which tries speak of a sick service."""

    def is_failure(self, *, result: object, exception: Exception | None) -> bool:  # noqa: ARG002 - the signature
        """Return whether the try failed for want of a working service."""
        refused = isinstance(exception, GRPCError) and exception.status in _REFUSALS
        return exception is not None and not refused


def _may_help_to_ask_again(error: Exception) -> bool:
    return isinstance(error, _CONNECTION) or (isinstance(error, GRPCError) and error.status in _AGAIN)
