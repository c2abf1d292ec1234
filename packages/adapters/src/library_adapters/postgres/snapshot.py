"""Several statements that all see the same."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import IsolationLevel

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.pool import Pool


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """Open a transaction that writes nothing and sees one moment: a writer between two statements would look like a bug.

    Raises DependencyUnavailable when the database does not answer in time.
    """
    with driver_errors():
        async with pool.connection() as connection:
            await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
            await connection.set_read_only(True)
            try:
                async with connection.transaction():
                    yield connection
            finally:
                await connection.set_isolation_level(None)
                await connection.set_read_only(None)
