"""Plain wiring: each task is named once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from prometheus_client import CollectorRegistry

from library_adapters.postgres.ledgers import PostgresLedgers
from library_adapters.postgres.library import PostgresOutdatedEntries
from library_adapters.postgres.maintenance import (
    Kind,
    PostgresExpiringRecords,
    PostgresForgottenStubs,
    PostgresPartitions,
)
from library_adapters.postgres.pool import Pool, open_pool, ping
from library_adapters.postgres.sessions import PostgresStaleSessions
from library_adapters.postgres.shelves import PostgresShelves, PostgresUsers
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_adapters.postgres.wakeup import relay_wakeup
from library_adapters.system import Uuid7Source, clock_of
from library_adapters.telemetry import FactMetrics, Instrument, Tracing, new_registry, trace_headers
from library_domain.catalog.use_cases.remember_stubs import (
    RememberStubs,
    RememberStubsHandler,
    RememberStubsResult,
)
from library_domain.flows.verify_users import VerifyUsers, VerifyUsersHandler, VerifyUsersResult
from library_domain.library.use_cases.expire_access import (
    ExpireAccess,
    ExpireAccessHandler,
    ExpireAccessResult,
)
from library_domain.outbox.use_cases.purge_expired import (
    FAILED_JOB_RETENTION,
    IDEMPOTENCY_RETENTION,
    INBOX_RETENTION,
    PARKED_RETENTION,
    REFUND_RETENTION,
    PurgeExpired,
    PurgeExpiredHandler,
    PurgeExpiredResult,
)
from library_domain.playtime.ports import StaleSessions
from library_domain.playtime.use_cases.sweep_sessions import SweepSessionsHandler
from library_domain.shared.clock import Clock
from library_sweeper.metrics import SessionMetrics, SweepMetrics
from library_sweeper.sessions import SessionsTask
from library_sweeper.settings import Settings
from library_sweeper.sweep import Batch

CommandT = TypeVar("CommandT")
ResultT = TypeVar("ResultT")
UseCase = Callable[[CommandT], Awaitable[ResultT]]

_PURGED: Mapping[str, tuple[Kind, timedelta]] = {
    "inbox": ("inbox", INBOX_RETENTION),
    "idempotency": ("idempotency", IDEMPOTENCY_RETENTION),
    "outbox": ("parked", PARKED_RETENTION),
    "refunds": ("refunds", REFUND_RETENTION),
    "jobs": ("failed_jobs", FAILED_JOB_RETENTION),
}
PARTITION_RETENTION = {
    "library_audit_log": timedelta(days=365),
    "playtime_sessions": timedelta(days=762),
}
"""How long partitions are kept: the audit log a year, sessions 25 months (details 3.8), and sums for good."""
_VERIFY_PATIENCE = 10
"""Nobody waits for it."""
_PARTITIONS_A_BATCH = 1
"""Detaching one waits for the transactions that are open."""
TASKS = ("partitions", "sessions", "expiry", "stubs", *_PURGED, "retention")
"""The names of all tasks, in the order of a pass: what would stop writers comes first, then what users would see."""
SHARES = {"sessions": 0.6}
"""What of a pass a task may take before the others had their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The tasks, ready to run."""

    tasks: Mapping[str, Batch]
    verify: UseCase[VerifyUsers, VerifyUsersResult]
    metrics: SweepMetrics
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
        pool = await stack.enter_async_context(
            open_pool(settings.postgres, registry=registry, tracer_provider=tracing.provider)
        )
        wakeup = await stack.enter_async_context(relay_wakeup(settings.postgres))
        clock = clock_of(settings.clock)
        uow = PostgresUnitOfWork(
            pool,
            settings.postgres,
            clock=clock,
            ids=Uuid7Source(),
            trace_headers=trace_headers,
            on_outbox=wakeup.call,
            on_events=FactMetrics(registry),
        )
        metrics = SweepMetrics(registry, clock=clock)
        batch = settings.sweeper.batch
        instrument = Instrument(registry=registry, tracing=tracing)
        use_case = partial(instrument, timeout_seconds=settings.sweeper.operation_timeout_seconds)
        partitions = PostgresPartitions(pool)
        expire = use_case(
            ExpireAccessHandler(outdated=PostgresOutdatedEntries(pool), uow=uow, clock=clock),
            name="sweep.expiry",
        )
        remember = use_case(
            RememberStubsHandler(stubs=PostgresForgottenStubs(pool), uow=uow), name="sweep.stubs"
        )
        stale = PostgresStaleSessions(pool)
        session_metrics = SessionMetrics(registry)
        tasks: dict[str, Batch] = {
            "partitions": partial(_make_partitions, partitions, metrics, clock),
            "sessions": SessionsTask(
                use_case(SweepSessionsHandler(stale=stale, uow=uow, clock=clock), name="sweep.sessions"),
                at_the_end=partial(_count_sessions, stale, session_metrics, clock),
                metrics=session_metrics,
                limit=settings.sweeper.sessions_batch,
                parallel=min(settings.sweeper.sessions_parallel, settings.postgres.pool_max),
            ),
            "expiry": partial(_expire, expire, batch),
            "stubs": partial(_remember, remember, batch),
        }
        for name, (kind, retention) in _PURGED.items():
            purge = use_case(
                PurgeExpiredHandler(
                    records=PostgresExpiringRecords(pool, kind), retention=retention, clock=clock
                ),
                name=f"sweep.{name}",
            )
            tasks[name] = partial(_purge, purge, batch)
        tasks["retention"] = partial(_drop_partitions, partitions, clock)
        verify = instrument(
            VerifyUsersHandler(
                users=PostgresUsers(pool),
                shelves=PostgresShelves(pool),
                ledgers=PostgresLedgers(pool),
                clock=clock,
            ),
            name="sweep.verify",
            timeout_seconds=_VERIFY_PATIENCE * settings.sweeper.operation_timeout_seconds,
        )
        yield Application(tasks=tasks, verify=verify, metrics=metrics, registry=registry, pool=pool)


async def _make_partitions(
    partitions: PostgresPartitions, metrics: SweepMetrics, clock: Clock
) -> tuple[int, bool]:
    made = await partitions.ensure(now=clock.now())
    metrics.partitions_ahead.set(await partitions.ahead(now=clock.now()))
    return made, False


async def _count_sessions(stale: StaleSessions, metrics: SessionMetrics, clock: Clock) -> None:
    metrics.show(await stale.count(now=clock.now()))


async def _drop_partitions(partitions: PostgresPartitions, clock: Clock) -> tuple[int, bool]:
    now = clock.now()
    before = {name: now - kept for name, kept in PARTITION_RETENTION.items()}
    dropped = await partitions.drop(before=before, limit=_PARTITIONS_A_BATCH)
    return dropped, dropped == _PARTITIONS_A_BATCH


async def _expire(expire: UseCase[ExpireAccess, ExpireAccessResult], batch: int) -> tuple[int, bool]:
    result = await expire(ExpireAccess(limit=batch))
    return result.refreshed, result.more


async def _remember(remember: UseCase[RememberStubs, RememberStubsResult], batch: int) -> tuple[int, bool]:
    result = await remember(RememberStubs(limit=batch))
    return result.remembered, result.more


async def _purge(purge: UseCase[PurgeExpired, PurgeExpiredResult], batch: int) -> tuple[int, bool]:
    result = await purge(PurgeExpired(limit=batch))
    return result.purged, result.more
