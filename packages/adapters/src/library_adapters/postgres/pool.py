"""The pool of connections that ordinary transactions and reads take."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.trace import TracerProvider
from prometheus_client import CollectorRegistry, Gauge
from psycopg import AsyncConnection, AsyncCursor
from psycopg_pool import AsyncConnectionPool

from library_adapters.postgres.connection import Connection, connection_arguments, connection_info
from library_adapters.postgres.deadline import seconds_left
from library_adapters.postgres.errors import POSTGRES, driver_errors
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.postgres.statements import statements
from library_domain.shared.errors import DependencyUnavailable

_SQL = statements("maintenance")

# The pool doubles its pause after each failed attempt to connect and starts afresh when this much time is up.
# Short, so that service is back within five seconds of the database, however long that was away (reliability B1).
_RECONNECT_SECONDS = 3.0


class Pool(AsyncConnectionPool[Connection]):
    """Lends connections that work no longer than the caller of this task waits."""

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[Connection]:  # noqa: ASYNC109 -- psycopg's signature
        """See psycopg. Raises DependencyUnavailable, without waiting, when the caller's time is over."""
        left = seconds_left()
        if left is not None:
            if not left:
                raise DependencyUnavailable(POSTGRES)
            timeout = min(left, self.timeout if timeout is None else timeout)
        async with super().connection(timeout) as connection:
            await connection.allow(seconds_left())
            yield connection


async def _check(connection: Connection) -> None:
    """Raise if the connection is dead. A plain cursor, so that no trace shows it."""
    await AsyncCursor(connection).execute("")


@asynccontextmanager
async def open_pool(
    settings: PostgresSettings,
    *,
    registry: CollectorRegistry | None = None,
    tracer_provider: TracerProvider | None = None,
) -> AsyncIterator[Pool]:
    """Open a pool that fills in the background: a process starts while the database is away (reliability B11).

    With a registry its size is measured; with a tracer provider each statement is a span, named after its verb and
    without its parameters.
    """

    async def configure(connection: Connection) -> None:
        connection.bound(settings)
        if tracer_provider is not None:
            PsycopgInstrumentor.instrument_connection(
                cast("AsyncConnection", connection), tracer_provider=tracer_provider
            )

    pool = Pool(
        connection_info(settings),
        connection_class=Connection,
        kwargs=connection_arguments(),
        min_size=settings.pool_min,
        max_size=settings.pool_max,
        timeout=settings.pool_timeout_seconds,
        max_waiting=settings.pool_waiting_max,
        max_lifetime=settings.connection_lifetime_seconds,
        reconnect_timeout=_RECONNECT_SECONDS,
        # Without it every pooled connection fails once after a restart of the server (reliability, row 16).
        check=_check,
        configure=configure,
        open=False,
    )
    if registry is not None:
        _measure(pool, registry)
    await pool.open(wait=False)
    try:
        yield pool
    finally:
        await pool.close(timeout=5.0)


async def ping(pool: Pool) -> None:
    """Ask the database for an answer. Raises DependencyUnavailable when it gives none in time."""
    with driver_errors():
        async with pool.connection() as connection:
            await connection.execute(_SQL["ping"])


def _measure(pool: Pool, registry: CollectorRegistry) -> None:
    """Show the pool's figures; they are read when somebody asks for them."""
    used = Gauge("library_postgres_pool_used", "Connections that somebody works with.", registry=registry)
    used.set_function(lambda: _stat(pool, "pool_size") - _stat(pool, "pool_available"))
    most = Gauge("library_postgres_pool_max", "Connections that there may be.", registry=registry)
    most.set_function(lambda: _stat(pool, "pool_max"))
    waiting = Gauge("library_postgres_pool_waiting", "Who waits for a connection.", registry=registry)
    waiting.set_function(lambda: _stat(pool, "requests_waiting"))


def _stat(pool: Pool, name: str) -> int:
    return pool.get_stats().get(name, 0)
