"""What the sweeper does with the database itself: old records go, partitions come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, LiteralString, cast

from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.migrate import MONTHS_AHEAD, PARTITIONED
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.statements import statements
from library_domain.catalog.ports import FETCH_METADATA
from library_domain.shared.ids import GameId

_SQL = statements("maintenance")

Kind = Literal["inbox", "idempotency", "parked", "refunds", "failed_jobs"]


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
    """Partitions by time, made ahead by the migration job and by the sweeper (data 26)."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def ensure(self, *, now: datetime) -> int:
        """Make those that are missing up to three months ahead; return how many.

        Raises DependencyUnavailable when the database does not answer in time.
        """
        made = 0
        with driver_errors():
            async with self._pool.connection() as connection:
                for parent, step in PARTITIONED.items():
                    cursor = await connection.execute(
                        statements("migrate")["ensure_partitions"],
                        {"parent": parent, "step": step, "since": now.date(), "months": MONTHS_AHEAD},
                    )
                    row = await cursor.fetchone()
                    made += row["made"] if row else 0
        return made

    async def ahead(self, *, now: datetime) -> int:
        """Return for how many months after this one there are partitions."""
        with driver_errors():
            async with self._pool.connection() as connection:
                parameters = {"parents": list(PARTITIONED), "today": now.date()}
                row = await (await connection.execute(_SQL["partitions_ahead"], parameters)).fetchone()
                return int(row["months"]) if row else 0

    async def drop(self, *, before: Mapping[str, datetime], limit: int) -> int:
        """Drop up to `limit` partitions that hold nothing younger than the time given for their table; return how many.

        Who comes second drops none.

        Each is detached concurrently first: writers go on, and a sweeper that is killed at any point leaves what the
        next one finds and finishes.

        Raises DependencyUnavailable when the database does not answer in time.
        """
        with driver_errors():
            async with self._pool.connection() as connection:
                lock = await (await connection.execute(_SQL["retention_lock"])).fetchone()
                if lock is None or not lock["is_ours"]:
                    return 0
                try:
                    parameters = {
                        "parents": list(before),
                        "befores": list(before.values()),
                        "limit": limit,
                    }
                    old = await (await connection.execute(_SQL["old_partitions"], parameters)).fetchall()
                    for partition in old:
                        for statement in filter(None, (partition["detach"], partition["remove"])):
                            # Put together by the server, which quotes its own names.
                            await connection.execute(cast("LiteralString", statement))
                    return len(old)
                finally:
                    if not connection.closed:
                        await connection.execute(_SQL["retention_unlock"])


class PostgresForgottenStubs:
    """Implements library_domain.catalog.ports.ForgottenStubs."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, *, limit: int) -> Sequence[GameId]:
        """See the port."""
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(
                    _SQL["forgotten_stubs"], {"kind": FETCH_METADATA, "limit": limit}
                )
                return [GameId(row["game_id"]) async for row in cursor]
