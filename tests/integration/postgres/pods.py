"""What one pod of ours has of PostgreSQL: a pool, transactions, reads. Two of them are two processes to the server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from conftest import postgres_settings

from library_adapters.postgres.library_reader import PostgresLibraryReader
from library_adapters.postgres.pool import Pool, open_pool
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_adapters.system import SystemClock, Uuid7Source
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import UserId


@dataclass(frozen=True, kw_only=True)
class Pod:
    settings: PostgresSettings
    pool: Pool
    uow: PostgresUnitOfWork
    reader: PostgresLibraryReader

    async def rows(self, query: Any, *parameters: Any) -> list[dict[str, Any]]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(query, parameters)
            return await cursor.fetchall() if cursor.description else []

    async def revision(self, user: UserId) -> int:
        found = await self.rows("SELECT revision FROM user_revisions WHERE user_id = %s", user)
        return found[0]["revision"] if found else 0

    async def somebody_waits_for_a_lock(self) -> bool:
        """Tell whether a session of this database waits for another's transaction."""
        waiting = await self.rows(
            "SELECT 1 AS one FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(waiting)

    async def disconnect_everybody(self) -> None:
        """End every other connection to this database, as a failover does; return when they are gone."""
        await self.rows(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    async def cut_off_relays(self) -> None:
        """End the connections that hold shards of the outbox; return when they are gone."""
        await self.rows(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks JOIN pg_database ON oid = database"
            " WHERE locktype = 'advisory' AND classid = 1279869522 AND datname = current_database()"
            " GROUP BY pid"
        )


@asynccontextmanager
async def open_pod(
    dsn: str, *, clock: Clock | None = None, on_outbox: Any = lambda: None, **settings: Any
) -> AsyncIterator[Pod]:
    """Open a pod with production's settings, save those that are given."""
    defaults: dict[str, Any] = {"pool_timeout_seconds": 1.0}
    chosen = postgres_settings(dsn, **defaults | settings)
    async with open_pool(chosen) as pool:
        uow = PostgresUnitOfWork(
            pool, chosen, clock=clock or SystemClock(), ids=Uuid7Source(), on_outbox=on_outbox
        )
        yield Pod(settings=chosen, pool=pool, uow=uow, reader=PostgresLibraryReader(pool))


async def unavailable(call: Awaitable[object]) -> bool:
    """Tell whether the call failed because the database is away; any other failure is the test's."""
    try:
        await call
    except DependencyUnavailable:
        return True
    return False


async def eventually(condition: Callable[[], object], *, within_seconds: float = 10.0) -> None:
    """Return when the condition holds. Raises TimeoutError when it does not in time."""
    async with asyncio.timeout(within_seconds):
        while not condition():  # noqa: ASYNC110 -- what is waited for sends no signal
            await asyncio.sleep(0.002)
