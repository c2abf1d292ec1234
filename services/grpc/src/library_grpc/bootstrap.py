"""Plain wiring: each adapter is named once (architecture, law 7)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from library_adapters.postgres.deadline import within
from library_adapters.postgres.hot_reads.library import open_library_reader
from library_adapters.postgres.playtime_reader import PostgresPlaytimeReader
from library_adapters.postgres.pool import open_pool, ping
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_adapters.postgres.wakeup import relay_wakeup
from library_adapters.system import SystemClock, Uuid7Source, clock_of
from library_adapters.telemetry import (
    FactMetrics,
    Instrument,
    Management,
    Tracing,
    new_registry,
    trace_headers,
)
from library_adapters.tokens import open_verifier
from library_domain.flows.start_session import StartSessionHandler
from library_domain.library.use_cases.batch_check_game_access import BatchCheckGameAccessHandler
from library_domain.library.use_cases.check_game_access import CheckGameAccessHandler
from library_domain.library.use_cases.check_game_ownership import CheckGameOwnershipHandler
from library_domain.library.use_cases.list_library import ListLibraryHandler
from library_domain.playtime.use_cases.end_session import EndSessionHandler
from library_domain.playtime.use_cases.show_lifetime import ShowLifetimeHandler
from library_domain.playtime.use_cases.show_stats import ShowStatsHandler
from library_grpc.application import Application
from library_grpc.settings import Settings


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[tuple[Application, Management]]:
    """Open what the door works with, and the management port, which says that the process is starting.

    Nothing here waits for PostgreSQL or for the issuer of tokens: both may come later.
    """
    async with AsyncExitStack() as stack:
        registry = new_registry()
        management = await stack.enter_async_context(Management(settings.management, registry))
        tracing = Tracing(settings.tracing, component="grpc")
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        clock = clock_of(settings.clock)
        pool = await stack.enter_async_context(
            open_pool(settings.postgres, registry=registry, tracer_provider=tracing.provider)
        )
        management.watch("postgres", partial(ping, pool))
        verifier = await stack.enter_async_context(
            open_verifier(settings.tokens, clock=SystemClock(), registry=registry),
        )

        reader, _ = await stack.enter_async_context(
            open_library_reader(pool, settings.postgres, registry=registry, tracer_provider=tracing.provider)
        )
        playtime = PostgresPlaytimeReader(pool)
        wakeup = await stack.enter_async_context(relay_wakeup(settings.postgres))
        ids = Uuid7Source()
        uow = PostgresUnitOfWork(
            pool,
            settings.postgres,
            clock=clock,
            ids=ids,
            trace_headers=trace_headers,
            on_outbox=wakeup.call,
            on_events=FactMetrics(registry),
        )
        instrument = Instrument(registry=registry, tracing=tracing)
        seconds = settings.grpc.operation_timeout_seconds
        application = Application(
            list_library=instrument(
                ListLibraryHandler(reader=reader, clock=clock),
                name="library.list",
                timeout_seconds=seconds,
            ),
            check_access=instrument(
                CheckGameAccessHandler(reader=reader, clock=clock),
                name="library.check_game_access",
                timeout_seconds=seconds,
            ),
            batch_check_access=instrument(
                BatchCheckGameAccessHandler(reader=reader, clock=clock),
                name="library.batch_check_game_access",
                timeout_seconds=seconds,
            ),
            check_ownership=instrument(
                CheckGameOwnershipHandler(reader=reader, clock=clock),
                name="library.check_game_ownership",
                timeout_seconds=seconds,
            ),
            show_lifetime=instrument(
                ShowLifetimeHandler(reader=playtime), name="playtime.lifetime", timeout_seconds=seconds
            ),
            show_stats=instrument(
                ShowStatsHandler(reader=playtime, clock=clock), name="playtime.stats", timeout_seconds=seconds
            ),
            start_session=instrument(
                StartSessionHandler(uow=uow, clock=clock, ids=ids),
                name="playtime.start",
                timeout_seconds=seconds,
            ),
            end_session=instrument(
                EndSessionHandler(uow=uow, clock=clock), name="playtime.end", timeout_seconds=seconds
            ),
            within=within,
            tokens=verifier,
            ids=ids,
            tracing=tracing,
            registry=registry,
        )
        yield application, management
