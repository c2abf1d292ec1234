"""The wiring: every constructor of this process is called here (architecture, law 7)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from library_adapters.postgres.library_reader import PostgresLibraryReader
from library_adapters.postgres.pool import open_pool, ping
from library_adapters.system import SystemClock, Uuid7Source
from library_adapters.telemetry import Instrument, Management, Tracing, new_registry
from library_adapters.tokens import open_verifier
from library_api.application import Application
from library_api.settings import Settings
from library_domain.library.use_cases.list_library import ListLibraryHandler
from library_domain.library.use_cases.show_item import ShowItemHandler


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[tuple[Application, Management]]:
    """Open what the process works with, and its management port, which says that it is starting.

    Neither PostgreSQL nor the token issuer has to answer yet: requests are refused with 503 until they do.

    Raises OSError when the management port is taken and KeySourceFailed for a file without usable keys.
    """
    clock = SystemClock()
    registry = new_registry()
    async with AsyncExitStack() as stack:
        tracing = Tracing(settings.tracing, component="api")
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        management = await stack.enter_async_context(Management(settings.management, registry))
        pool = await stack.enter_async_context(open_pool(settings.postgres, tracer_provider=tracing.provider))
        management.watch("postgres", partial(ping, pool))
        tokens = await stack.enter_async_context(
            open_verifier(settings.tokens, clock=clock, registry=registry)
        )

        instrument = Instrument(registry=registry, tracing=tracing)
        limit = settings.http.operation_timeout_seconds
        reader = PostgresLibraryReader(pool)
        application = Application(
            list_library=instrument(
                ListLibraryHandler(reader=reader, clock=clock), name="library.list", timeout_seconds=limit
            ),
            show_item=instrument(
                ShowItemHandler(reader=reader, clock=clock), name="library.item", timeout_seconds=limit
            ),
            tokens=tokens,
            ids=Uuid7Source(),
            tracing=tracing,
            registry=registry,
            trusted_proxies=settings.http.trusted_proxies,
        )
        yield application, management
