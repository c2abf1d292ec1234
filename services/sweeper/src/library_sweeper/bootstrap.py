"""Plain wiring: each task is named once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from prometheus_client import CollectorRegistry

from library_adapters.postgres.maintenance import Kind, PostgresExpiringRecords, PostgresPartitions
from library_adapters.postgres.pool import Pool, open_pool, ping
from library_adapters.system import SystemClock
from library_adapters.telemetry import Instrument, Tracing, new_registry
from library_domain.outbox.use_cases.purge_expired import (
    IDEMPOTENCY_RETENTION,
    INBOX_RETENTION,
    PARKED_RETENTION,
    PurgeExpired,
    PurgeExpiredHandler,
    PurgeExpiredResult,
)
from library_domain.shared.clock import Clock
from library_sweeper.settings import Settings
from library_sweeper.sweep import Batch

_PURGED: Mapping[str, tuple[Kind, timedelta]] = {
    "inbox": ("inbox", INBOX_RETENTION),
    "idempotency": ("idempotency", IDEMPOTENCY_RETENTION),
    "outbox": ("parked", PARKED_RETENTION),
}
TASKS = ("partitions", *_PURGED)
"""The names of all tasks, in the order of a pass: what would stop writers comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The tasks, ready to run."""

    tasks: Mapping[str, Batch]
    registry: CollectorRegistry
    pool: Pool

    async def ping(self) -> None:
        """Ask the database for a sign of life."""
        await ping(self.pool)


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[Application]:
    """Open what a pass works with; the database may be away."""
    async with AsyncExitStack() as stack:
        registry = new_registry()
        tracing = Tracing(settings.tracing, component="sweeper")
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        pool = await stack.enter_async_context(open_pool(settings.postgres, tracer_provider=tracing.provider))
        clock = SystemClock()
        instrument = Instrument(registry=registry, tracing=tracing)

        tasks: dict[str, Batch] = {"partitions": partial(_partitions, PostgresPartitions(pool), clock)}
        for name, (kind, retention) in _PURGED.items():
            purge = instrument(
                PurgeExpiredHandler(
                    records=PostgresExpiringRecords(pool, kind), retention=retention, clock=clock
                ),
                name=f"sweep.{name}",
                timeout_seconds=settings.sweeper.operation_timeout_seconds,
            )
            tasks[name] = partial(_purge, purge, settings.sweeper.batch)
        yield Application(tasks=tasks, registry=registry, pool=pool)


async def _partitions(partitions: PostgresPartitions, clock: Clock) -> tuple[int, bool]:
    return await partitions.ensure(now=clock.now()), False


async def _purge(
    purge: Callable[[PurgeExpired], Awaitable[PurgeExpiredResult]], batch: int
) -> tuple[int, bool]:
    result = await purge(PurgeExpired(limit=batch))
    return result.purged, result.more
