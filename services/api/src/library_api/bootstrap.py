"""The wiring: every constructor of this process is called here (architecture, law 7)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from library_adapters.account import open_account
from library_adapters.postgres.hot_reads.library import open_library_reader
from library_adapters.postgres.playtime_reader import PostgresPlaytimeReader
from library_adapters.postgres.pool import open_pool, ping
from library_adapters.postgres.quick_sessions import SESSION_READS, open_quick_sessions
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_adapters.postgres.wakeup import relay_wakeup
from library_adapters.redis import RateLimiter, open_redis
from library_adapters.redis import ping as ping_redis
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
from library_api.application import Application
from library_api.settings import Settings
from library_domain.flows.start_session import StartSessionHandler
from library_domain.library.use_cases.check_game_access import CheckGameAccessHandler
from library_domain.library.use_cases.create_category import CreateCategoryHandler
from library_domain.library.use_cases.delete_category import DeleteCategoryHandler
from library_domain.library.use_cases.edit_category import EditCategoryHandler
from library_domain.library.use_cases.edit_item import EditItemHandler
from library_domain.library.use_cases.file_item import FileItemHandler
from library_domain.library.use_cases.list_categories import ListCategoriesHandler
from library_domain.library.use_cases.list_collections import ListCollectionsHandler
from library_domain.library.use_cases.list_library import ListLibraryHandler
from library_domain.library.use_cases.list_users_library import ListUsersLibraryHandler
from library_domain.library.use_cases.show_item import ShowItemHandler
from library_domain.library.use_cases.show_version import ShowVersionHandler
from library_domain.library.use_cases.unfile_item import UnfileItemHandler
from library_domain.playtime.use_cases.end_session import EndSessionHandler
from library_domain.playtime.use_cases.list_running_sessions import ListRunningSessionsHandler
from library_domain.playtime.use_cases.list_sessions import ListSessionsHandler
from library_domain.playtime.use_cases.record_heartbeat import RecordHeartbeatHandler
from library_domain.playtime.use_cases.show_report import ShowReportHandler
from library_domain.playtime.use_cases.show_stats import ShowStatsHandler
from library_domain.playtime.use_cases.show_users_stats import ShowUsersStatsHandler
from library_domain.shared.looks import Looks


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[tuple[Application, Management]]:
    """Open what the process works with, and its management port, which says that it is starting.

    Neither PostgreSQL nor the token issuer has to answer yet: requests are refused with 503 until they do.

    Raises OSError when the management port is taken and KeySourceFailed for a file without usable keys.
    """
    clock = clock_of(settings.clock)
    registry = new_registry()
    async with AsyncExitStack() as stack:
        tracing = Tracing(settings.tracing, component="api")
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        management = await stack.enter_async_context(Management(settings.management, registry))
        pool = await stack.enter_async_context(
            open_pool(settings.postgres, registry=registry, tracer_provider=tracing.provider)
        )
        management.watch("postgres", partial(ping, pool))
        redis = await stack.enter_async_context(open_redis(settings.redis))
        management.watch("redis", partial(ping_redis, redis))
        wakeup = await stack.enter_async_context(relay_wakeup(settings.postgres))
        tokens = await stack.enter_async_context(
            open_verifier(settings.tokens, clock=SystemClock(), registry=registry)
        )
        accounts = await stack.enter_async_context(
            open_account(settings.account, registry=registry, tracer_provider=tracing.provider)
        )
        ids = Uuid7Source()
        facts = FactMetrics(registry)
        uow = PostgresUnitOfWork(
            pool,
            settings.postgres,
            clock=clock,
            ids=ids,
            trace_headers=trace_headers,
            on_outbox=wakeup.call,
            on_events=facts,
        )
        looks = Looks(accounts=accounts, uow=uow, clock=clock)
        limits = RateLimiter(redis, settings.redis, windows=settings.rate_limit.windows, registry=registry)
        reader, hot = await stack.enter_async_context(
            open_library_reader(
                pool,
                settings.postgres,
                registry=registry,
                tracer_provider=tracing.provider,
                beside=SESSION_READS,
            )
        )
        playtime = PostgresPlaytimeReader(pool)
        quick = await stack.enter_async_context(
            open_quick_sessions(
                uow,
                settings.postgres,
                reads=hot,
                clock=clock,
                ids=ids,
                registry=registry,
                tracer_provider=tracing.provider,
                trace_headers=trace_headers,
                on_outbox=wakeup.call,
                on_events=facts,
            )
        )
        instrument = partial(
            Instrument(registry=registry, tracing=tracing),
            timeout_seconds=settings.http.operation_timeout_seconds,
        )
        application = Application(
            list_library=instrument(ListLibraryHandler(reader=reader, clock=clock), name="library.list"),
            show_item=instrument(ShowItemHandler(reader=reader, clock=clock), name="library.item"),
            edit_item=instrument(
                EditItemHandler(uow=uow, reader=reader, clock=clock, ids=ids), name="library.edit"
            ),
            check_game_access=instrument(
                CheckGameAccessHandler(reader=reader, clock=clock), name="library.access"
            ),
            file_item=instrument(FileItemHandler(uow=uow, clock=clock, ids=ids), name="library.file"),
            unfile_item=instrument(UnfileItemHandler(uow=uow, clock=clock), name="library.unfile"),
            list_categories=instrument(
                ListCategoriesHandler(reader=reader, clock=clock), name="categories.list"
            ),
            create_category=instrument(
                CreateCategoryHandler(uow=uow, clock=clock, ids=ids), name="categories.create"
            ),
            edit_category=instrument(
                EditCategoryHandler(uow=uow, reader=reader, clock=clock), name="categories.edit"
            ),
            delete_category=instrument(DeleteCategoryHandler(uow=uow, clock=clock), name="categories.delete"),
            list_collections=instrument(
                ListCollectionsHandler(reader=reader, clock=clock), name="collections.list"
            ),
            list_users_library=instrument(
                ListUsersLibraryHandler(reader=reader, looks=looks, clock=clock), name="users.library"
            ),
            show_version=instrument(ShowVersionHandler(reader=reader, clock=clock), name="library.version"),
            start_session=instrument(
                StartSessionHandler(uow=uow, clock=clock, ids=ids, quick=quick), name="playtime.start"
            ),
            record_heartbeat=instrument(
                RecordHeartbeatHandler(uow=uow, clock=clock, quick=quick), name="playtime.heartbeat"
            ),
            end_session=instrument(EndSessionHandler(uow=uow, clock=clock, quick=quick), name="playtime.end"),
            list_sessions=instrument(ListSessionsHandler(reader=playtime), name="playtime.sessions"),
            list_running_sessions=instrument(
                ListRunningSessionsHandler(reader=playtime), name="playtime.running"
            ),
            show_stats=instrument(ShowStatsHandler(reader=playtime, clock=clock), name="playtime.stats"),
            show_report=instrument(ShowReportHandler(reader=playtime), name="playtime.report"),
            show_users_stats=instrument(
                ShowUsersStatsHandler(reader=playtime, looks=looks, clock=clock), name="users.playtime"
            ),
            claims=uow,
            tokens=tokens,
            limits=limits if settings.rate_limit.enabled else None,
            cursor_key=settings.http.cursor_key.get_secret_value().encode(),
            ids=ids,
            tracing=tracing,
            registry=registry,
            body_seconds=settings.http.body_timeout_seconds,
            trusted_proxies=settings.http.trusted_proxies,
            cors_origins=settings.http.cors_origins,
            thin_lane=settings.http.thin_lane,
        )
        yield application, management
