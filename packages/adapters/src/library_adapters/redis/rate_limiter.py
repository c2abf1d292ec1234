"""How often a caller may ask, counted in Redis by one script: exact over processes.

All that arrive while a call is under way share the next one, and one run of the script: a burst, which is when it matters,
costs a few round trips instead of one per request, and does not outlast its time limit in our own queue. The library `limits` asks once
per window to count and twice more for what the headers tell; at 250 µs a call (performance.md, trick 6) that would be
more than all the rest of a request.
"""

import asyncio
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple, cast

from interlock import CircuitBreaker, CircuitOpenError, Config, CoreEventListener, State
from loguru import logger
from prometheus_client import CollectorRegistry, Counter, Gauge
from redis.exceptions import NoScriptError, RedisError

from library_adapters.redis.client import Client
from library_adapters.redis.settings import RedisSettings, Window

_SCRIPT = files(__package__).joinpath("rate_limit.lua").read_text(encoding="utf-8")
_SCRIPT_NAME = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()
_CALLS_REMEMBERED = 10
_SLICE_SECONDS = 0.02
"""The time limit is counted in slices of this length. When the event loop is busy a slice lasts longer but counts the same,
so that an answer which has arrived, but was not read yet, is not taken for a dead Redis."""
_AWAY = (RedisError, OSError, TimeoutError)


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
        self._client = client
        # The longest is the last, and alone in what may come in bursts.
        self._windows = sorted(windows, key=lambda window: window.seconds)
        self._limits = [len(windows)]
        for window in self._windows:
            self._limits += [window.limit, window.seconds * 1000]
        self._timeout_seconds = settings.timeout_seconds
        self._batch_max = settings.batch_max
        self._waiting: list[_Taking] = []
        self._working: asyncio.Task[None] | None = None
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
        decisions = Counter(
            "library_rate_limit_decisions",
            "Requests by what the rate limit said: admitted, refused, or open when Redis could not be asked.",
            ("outcome",),
            registry=registry,
        )
        self._decisions = cache(decisions.labels)

    async def take(self, caller: str, *, may_burst: bool = False) -> Quota | None:
        """Count one request of the caller; return where it stands, None when Redis does not answer.

        One that may come in bursts counts in the longest window only.
        """
        answer: asyncio.Future[Quota | None] = asyncio.get_running_loop().create_future()
        first = len(self._windows) - 1 if may_burst else 0
        self._waiting.append(_Taking(caller, first, answer))
        if self._working is None:
            self._working = asyncio.create_task(self._work(), name="rate-limit")
        quota = await answer
        outcome = "open" if quota is None else "admitted" if quota.is_admitted else "refused"
        self._decisions(outcome).inc()
        return quota

    async def _work(self) -> None:
        """Answer all that wait, and all that come meanwhile."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._batch_max], self._waiting[self._batch_max :]
                await self._serve(batch)
        finally:
            self._working = None
            self._give_up(self._waiting)

    async def _serve(self, batch: list["_Taking"]) -> None:
        try:
            quotas = await self._breaker.call_async(self._ask, tuple(batch))
        except CircuitOpenError:
            self._give_up(batch)
        except _AWAY as error:
            logger.warning("Redis did not count {} requests: {}", len(batch), type(error).__name__)
            self._give_up(batch)
            # They have waited as long, and would wait as long again.
            self._give_up(self._waiting)
        except BaseException:
            self._give_up(batch)
            raise
        else:
            for taking, quota in zip(batch, quotas, strict=True):
                if not taking.answer.done():  # its request may have been cancelled
                    taking.answer.set_result(quota)

    @staticmethod
    def _give_up(batch: list["_Taking"]) -> None:
        for taking in batch:
            if not taking.answer.done():
                taking.answer.set_result(None)
        batch.clear()

    async def _ask(self, batch: Sequence["_Taking"]) -> Sequence[Quota]:
        call = asyncio.create_task(self._run(batch), name="rate-limit-call")
        try:
            for _ in range(math.ceil(self._timeout_seconds / _SLICE_SECONDS)):
                await asyncio.wait({call}, timeout=_SLICE_SECONDS)
                if call.done():
                    return call.result()
            raise TimeoutError
        finally:
            call.cancel()

    async def _run(self, batch: Sequence["_Taking"]) -> Sequence[Quota]:
        """Run the script, which Redis knows by its name unless it was restarted, once for all in the order they came in."""
        # The braces keep all windows of a caller on one node of a cluster, where a call is for one caller only.
        keys = [f"rate:{{{taking.caller}}}:{window.seconds}" for taking in batch for window in self._windows]
        arguments = [*self._limits, *(taking.first + 1 for taking in batch)]
        try:
            found = await self._client.evalsha(_SCRIPT_NAME, len(keys), *keys, *arguments)
        except NoScriptError:
            found = await self._client.eval(_SCRIPT, len(keys), *keys, *arguments)
        answers = cast("Sequence[Sequence[int]]", found)
        return [
            _quota(self._windows[taking.first :], answer)
            for taking, answer in zip(batch, answers, strict=True)
        ]


def _quota(windows: Sequence[Window], answer: Sequence[int]) -> Quota:
    """Return where the caller stands, from the script's answer about the windows that counted."""
    told, nearest = windows[0], (math.inf, 0)
    for window, counted, milliseconds in zip(windows, answer[::2], answer[1::2], strict=False):
        # Of two exhausted windows the one that lasts longer is what the caller has to wait for.
        standing = (max(0, window.limit - counted), -math.ceil(milliseconds / 1000))
        if standing < nearest:
            told, nearest = window, standing
    return Quota(
        limit=told.limit,
        remaining=int(nearest[0]),
        window_seconds=told.seconds,
        reset_seconds=-nearest[1],
        is_admitted=bool(answer[-1]),
    )


class _Taking(NamedTuple):
    """A request that waits to be counted."""

    caller: str
    first: int
    """The first window, by length, that it is counted in; it is counted in those behind it too."""
    answer: asyncio.Future[Quota | None]


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
