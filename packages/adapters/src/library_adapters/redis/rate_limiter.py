"""How often a caller may ask, counted in Redis by one script: one round trip for all windows, exact over processes.

The library `limits` would ask once per window to count and twice more for what the headers tell; at 250 µs a call
(performance.md, trick 6) that is more than all the rest of a request.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeVar

from interlock import CircuitBreaker, CircuitOpenError, Config, CoreEventListener, State
from loguru import logger
from prometheus_client import CollectorRegistry, Counter, Gauge
from redis.exceptions import RedisError

from library_adapters.redis.client import Client
from library_adapters.redis.settings import RedisSettings, Window

_SCRIPT = files(__package__).joinpath("rate_limit.lua").read_text(encoding="utf-8")
_CALLS_REMEMBERED = 10
_AWAY = (RedisError, OSError, TimeoutError)

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What is left to a caller in the window that it is nearest to exhausting."""

    limit: int
    remaining: int
    window_seconds: int
    reset_seconds: int
    """Until the window ends and the count begins anew, rounded up."""
    is_admitted: bool


class RateLimiter:
    """Counts requests. When Redis is away everybody may pass, and `library_rate_limit_decisions_total` says so."""

    def __init__(
        self,
        client: Client,
        settings: RedisSettings,
        *,
        windows: Sequence[Window],
        registry: CollectorRegistry,
    ) -> None:
        self._windows = tuple(windows)
        self._limits = [number for window in windows for number in (window.limit, window.seconds * 1000)]
        self._script = client.register_script(_SCRIPT)
        self._timeout_seconds = settings.timeout_seconds
        self._breaker = CircuitBreaker(
            name="redis",
            config=Config(
                failure_rate_threshold=0.5,
                minimum_number_of_calls=settings.circuit_failures,
                window_size=max(_CALLS_REMEMBERED, settings.circuit_failures),
                wait_duration_in_open=settings.circuit_open_seconds,
                permitted_calls_in_half_open=1,
                max_concurrent_probes=1,
            ),
            listener=_CircuitReport(registry),
        )
        self._decisions = Counter(
            "library_rate_limit_decisions",
            "Requests by what the rate limit said: admitted, refused, or open when Redis could not be asked.",
            ("outcome",),
            registry=registry,
        )

    async def take(self, caller: str) -> Quota | None:
        """Count one request of the caller; return where it stands, None when Redis does not answer."""
        try:
            answer = await self._breaker.call_async(self._bounded, lambda: self._ask(caller))
        except CircuitOpenError:
            self._decisions.labels("open").inc()
            return None
        except _AWAY as error:
            logger.warning("Redis did not count a request: {}", type(error).__name__)
            self._decisions.labels("open").inc()
            return None
        quota = self._quota(answer)
        self._decisions.labels("admitted" if quota.is_admitted else "refused").inc()
        return quota

    async def _bounded(self, call: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        async with asyncio.timeout(self._timeout_seconds):
            return await call()

    async def _ask(self, caller: str) -> Sequence[int]:
        # The braces keep all windows of a caller on one node of a cluster.
        keys = [f"rate:{{{caller}}}:{window.seconds}" for window in self._windows]
        answer: Sequence[int] = await self._script(keys=keys, args=self._limits)
        return answer

    def _quota(self, answer: Sequence[int]) -> Quota:
        *numbers, admitted = answer
        counted, milliseconds = numbers[::2], numbers[1::2]
        standings = [
            Quota(
                limit=window.limit,
                remaining=max(0, window.limit - count),
                window_seconds=window.seconds,
                reset_seconds=math.ceil(left / 1000),
                is_admitted=bool(admitted),
            )
            for window, count, left in zip(self._windows, counted, milliseconds, strict=True)
        ]
        # Of two exhausted windows the one that lasts longer is what the caller has to wait for.
        return min(standings, key=lambda each: (each.remaining, -each.reset_seconds))


class _CircuitReport(CoreEventListener):
    """Shows whether Redis is being left alone."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._is_open = Gauge(
            "library_redis_circuit_open",
            "1 while Redis is left alone because it did not answer, and requests are not counted.",
            registry=registry,
        )

    def on_state_change(self, *, name: str, old: State, new: State) -> None:  # noqa: ARG002 - the hook's signature
        """Show the new state."""
        self._is_open.set(new is State.OPEN)
        logger.warning("The circuit to Redis went from {} to {}", old, new)
