"""What the sweeper does with the database itself: old records go, partitions come."""

from datetime import datetime
from typing import Literal

from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.migrate import MONTHS_AHEAD, PARTITIONED
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.statements import statements

_SQL = statements("maintenance")

Kind = Literal["inbox", "idempotency", "parked"]


class PostgresExpiringRecords:
    """Implements library_domain.outbox.ports.ExpiringRecords for one kind of record.

    Candidates are read without locks, then deleted user by user (data 27), all in one exchange.
    """

    def __init__(self, pool: Pool, kind: Kind) -> None:
        self._pool = pool
        self._kind = kind

    async def purge(self, *, before: datetime, limit: int) -> int:
        """See the port."""
        with driver_errors():
            async with self._pool.connection() as connection, connection.cursor() as cursor:
                await cursor.execute(_SQL[f"{self._kind}_candidates"], {"before": before, "limit": limit})
                found = await cursor.fetchall()
                if found:
                    await cursor.executemany(_SQL[f"{self._kind}_purge"], found)
                return len(found)


class PostgresPartitions:
    """Monthly partitions, made ahead by the migration job and by the sweeper (data 26)."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def ensure(self, *, now: datetime) -> int:
        """Make those that are missing up to three months ahead; return how many.

        Raises DependencyUnavailable when the database does not answer in time.
        """
        made = 0
        with driver_errors():
            async with self._pool.connection() as connection:
                for parent in PARTITIONED:
                    cursor = await connection.execute(
                        statements("migrate")["ensure_partitions"],
                        {"parent": parent, "since": now.date(), "months": MONTHS_AHEAD},
                    )
                    row = await cursor.fetchone()
                    made += row["made"] if row else 0
        return made
