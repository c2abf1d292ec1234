"""Connections to PostgreSQL, every wait bounded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.trace import TracerProvider
from psycopg import AsyncConnection, AsyncCursor
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.settings import PostgresSettings

Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]

# The pool doubles its pause after each failed attempt to connect and starts afresh when this much time is up.
# Short, so that service is back within five seconds of the database, however long that was away (reliability B1).
_RECONNECT_SECONDS = 3.0


def connection_info(settings: PostgresSettings) -> str:
    """Return the DSN with our timeouts in it; the server enforces them, whatever becomes of this process."""
    options = {
        "statement_timeout": settings.statement_timeout_milliseconds,
        "lock_timeout": settings.lock_timeout_milliseconds,
        "idle_in_transaction_session_timeout": settings.idle_in_transaction_timeout_milliseconds,
        "timezone": "UTC",
    }
    return make_conninfo(
        settings.dsn.get_secret_value(),
        connect_timeout=settings.connect_timeout_seconds,
        options=" ".join(f"-c {name}={value}" for name, value in options.items()),
        # Notice a host that vanished without a goodbye.
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
        tcp_user_timeout=10_000,
    )


def connection_arguments() -> dict[str, Any]:
    """Return what every connection of ours is opened with."""
    return {"autocommit": True, "row_factory": dict_row, "prepare_threshold": 2}


async def _check(connection: Connection) -> None:
    """Raise if the connection is dead. A plain cursor, so that no trace shows it."""
    await AsyncCursor(connection).execute("")


@asynccontextmanager
async def open_pool(
    settings: PostgresSettings, *, tracer_provider: TracerProvider | None = None
) -> AsyncIterator[Pool]:
    """Open a pool that fills in the background: a process starts while the database is away (reliability B11).

    With a tracer provider each statement is a span, named after its verb and without its parameters.
    """

    async def configure(connection: Connection) -> None:
        if tracer_provider is not None:
            PsycopgInstrumentor.instrument_connection(
                cast("AsyncConnection", connection), tracer_provider=tracer_provider
            )

    pool: Pool = AsyncConnectionPool(
        connection_info(settings),
        connection_class=AsyncConnection[DictRow],
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
    await pool.open(wait=False)
    try:
        yield pool
    finally:
        await pool.close(timeout=5.0)


async def ping(pool: Pool) -> None:
    """Ask the database for an answer. Raises DependencyUnavailable when it gives none in time."""
    with driver_errors():
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")
