"""Publish what the outbox holds, for as long as the process lives (data 18, 19)."""

import asyncio
import random
from datetime import datetime
from time import monotonic
from typing import Protocol

from loguru import logger
from prometheus_client import CollectorRegistry, Counter, Gauge

from library_consumers.settings import RelaySection
from library_domain.outbox.ports import OutboxShards
from library_domain.outbox.use_cases.relay_events import RelayEvents, RelayEventsHandler, RelayEventsResult
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable


class Shards(OutboxShards, Protocol):
    """The outbox as the loop needs it: besides the messages, a call when there are some, and figures."""

    async def wait_for_wakeup(self, timeout_seconds: float) -> None:
        """Return when a writer called or the time is up. Raises DependencyUnavailable."""
        ...

    async def oldest(self) -> datetime | None:
        """Return when the oldest message of the held shards was written; None if none waits."""
        ...

    async def parked(self) -> int:
        """Return how many messages are parked, of any shard."""
        ...


class RelayMetrics:
    """Metrics of one relay."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Counter(
            "library_outbox_messages",
            "Messages of the outbox, by what became of the attempt: published, parked, failed.",
            ("outcome",),
            registry=registry,
        )
        self.shards = Gauge("library_outbox_shards", "Shards that this relay holds.", registry=registry)
        self.oldest = Gauge(
            "library_outbox_oldest_seconds",
            "Age of the oldest message that waits in the held shards.",
            registry=registry,
        )
        self.parked = Gauge(
            "library_outbox_parked", "Messages that a person must look at.", registry=registry
        )


class Relay:
    """One relay. Several share the shards; one without any is a hot standby."""

    def __init__(
        self,
        *,
        shards: Shards,
        relay_events: RelayEventsHandler,
        settings: RelaySection,
        clock: Clock,
        metrics: RelayMetrics,
    ) -> None:
        self._shards = shards
        self._relay_events = relay_events
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._upkeep_due = 0.0
        self._failures = 0

    async def run(self, stopping: asyncio.Event) -> None:
        """Publish until `stopping` is set; the pass in hand is finished first."""
        while not stopping.is_set():
            try:
                await self._upkeep()
                result = await self._publish()
                if result.published or result.parked:
                    self._failures = 0
                elif result.failed:
                    await self._pause(stopping, "kafka")
                else:
                    self._failures = 0
                    await self._shards.wait_for_wakeup(self._settings.idle_seconds)
            except DependencyUnavailable as error:
                self._upkeep_due = 0.0  # the shards are lost with the connection: claim before anything else
                self._metrics.shards.set(0)
                await self._pause(stopping, str(error.details["dependency"]))

    async def _upkeep(self) -> None:
        """Now and then, take shards that nobody holds, and measure."""
        if monotonic() < self._upkeep_due:
            return
        self._metrics.shards.set(await self._shards.claim())
        oldest = await self._shards.oldest()
        age = 0.0 if oldest is None else (self._clock.now() - oldest).total_seconds()
        self._metrics.oldest.set(max(0.0, age))
        self._metrics.parked.set(await self._shards.parked())
        self._upkeep_due = monotonic() + self._settings.upkeep_seconds

    async def _publish(self) -> RelayEventsResult:
        result = await self._relay_events(RelayEvents(limit=self._settings.batch))
        self._metrics.messages.labels("published").inc(result.published)
        self._metrics.messages.labels("parked").inc(result.parked)
        self._metrics.messages.labels("failed").inc(result.failed)
        return result

    async def _pause(self, stopping: asyncio.Event, dependency: str) -> None:
        """Wait half to all of a time that doubles with each failure, or until the process stops."""
        longest = min(
            self._settings.retry_max_seconds,
            self._settings.retry_min_seconds * 2.0 ** min(self._failures, 30),
        )
        self._failures += 1
        seconds = longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
        logger.bind(dependency=dependency).warning("the relay tries again in {:.1f} s", seconds)
        try:
            async with asyncio.timeout(seconds):
                await stopping.wait()
        except TimeoutError:
            return
