"""The relay's side of the outbox: whole shards held by advisory locks on one connection (data 18, 19)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

from psycopg.rows import DictRow

from library_adapters.postgres.connection import Connection, connect
from library_adapters.postgres.errors import POSTGRES, driver_errors
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.postgres.statements import statements
from library_domain.outbox.model import OutboxMessage, ParkedMessage
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import OUTBOX_SHARDS

_SQL = statements("outbox")


class PostgresOutboxShards:
    """Implements library_domain.outbox.ports.OutboxShards.

    What holds the shards also reads and deletes: when its connection breaks, the locks are gone and so is the power
    to delete, so a relay that was cut off cannot harm the one that took over.
    """

    def __init__(self, settings: PostgresSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._connection: Connection | None = None
        self._listener: Connection | None = None
        self._held: list[int] = []

    async def __aenter__(self) -> Self:
        """Connect to nothing yet: the database may be away."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close both connections, which gives the shards back."""
        await self._disconnect()

    async def claim(self) -> int:
        """See the port."""
        async with self._letting_go():
            connection = await self._connected()
            # Asked even when none is missing: the answer shows that what we hold is still ours.
            missing = sorted(set(range(OUTBOX_SHARDS)) - set(self._held))
            cursor = await connection.execute(_SQL["claim_shards"], {"shards": missing})
            self._held += [row["shard"] async for row in cursor]
        return len(self._held)

    async def pending(self, *, limit: int) -> Sequence[OutboxMessage]:
        """See the port. `limit` is shared evenly by the shards that are held."""
        if not self._held:
            return []
        each = -(-limit // len(self._held))
        rows = await self._run("pending", {"shards": self._held, "each": each})
        return [_to_message(row) for row in rows]

    async def remove(self, messages: Sequence[OutboxMessage]) -> None:
        """See the port."""
        if messages:
            await self._run(
                "remove",
                {
                    "user_ids": [message.user_id for message in messages],
                    "revisions": [message.revision for message in messages],
                    "ns": [message.n for message in messages],
                },
            )

    async def park(self, message: OutboxMessage, *, reason: str) -> None:
        """See the port."""
        await self._run(
            "park",
            {
                "user_id": message.user_id,
                "revision": message.revision,
                "n": message.n,
                "reason": reason,
                "now": self._clock.now(),
            },
        )

    async def oldest(self) -> datetime | None:
        """Return when the oldest message of the held shards was written; None if none waits."""
        rows = await self._run("oldest", {"shards": self._held})
        return rows[0]["written_at"] if rows else None

    async def check(self) -> None:
        """Raise DependencyUnavailable unless both connections are open; the loop that uses them opens them again."""
        for connection in (self._connection, self._listener):
            if connection is None or connection.closed:
                raise DependencyUnavailable(POSTGRES)

    async def parked(self) -> int:
        """Return how many messages are parked, of any shard; each is an alert."""
        return int((await self._run("count_parked", {}))[0]["parked"])

    async def wait_for_wakeup(self, timeout_seconds: float) -> None:
        """Return when a writer called or the time is up, whichever is first."""
        listener = self._listener
        if listener is None:
            await asyncio.sleep(timeout_seconds)
            return
        async with self._letting_go():
            async for _ in listener.notifies(timeout=timeout_seconds, stop_after=1):
                pass

    async def _run(self, name: str, parameters: dict[str, object]) -> list[DictRow]:
        if self._connection is None:
            raise DependencyUnavailable(POSTGRES)
        async with self._letting_go():
            cursor = await self._connection.execute(_SQL[name], parameters)
            return await cursor.fetchall() if cursor.description else []

    @asynccontextmanager
    async def _letting_go(self) -> AsyncIterator[None]:
        """Let go of everything when the block fails: we no longer know what we hold; the next claim starts afresh."""
        with driver_errors():
            try:
                yield
            except BaseException:
                await self._disconnect()
                raise

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            await self._disconnect()
            self._connection = await connect(self._settings)
            self._listener = await connect(self._settings)
            await self._listener.execute(_SQL["listen"])
        return self._connection

    async def _disconnect(self) -> None:
        self._held.clear()
        connections = [c for c in (self._connection, self._listener) if c is not None]
        self._connection = self._listener = None
        for connection in connections:
            await connection.close()


class PostgresParkedMessages:
    """Implements library_domain.outbox.ports.ParkedMessages. It needs no shard: what is parked is no relay's."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def oldest(self, *, limit: int) -> Sequence[ParkedMessage]:
        """See the port."""
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_SQL["oldest_parked"], {"limit": limit})
                return [
                    ParkedMessage(message=_to_message(row), reason=row["reason"], parked_at=row["parked_at"])
                    async for row in cursor
                ]

    async def put_back(self, message: OutboxMessage) -> bool:
        """See the port."""
        key = {"user_id": message.user_id, "revision": message.revision, "n": message.n}
        with driver_errors():
            async with self._pool.connection() as connection:
                return await (await connection.execute(_SQL["put_back"], key)).fetchone() is not None


def _to_message(row: DictRow) -> OutboxMessage:
    return OutboxMessage(
        user_id=row["user_id"],
        revision=row["revision"],
        n=row["n"],
        id=row["id"],
        topic=row["aggregatetype"],
        event_type=row["type"],
        payload=row["payload"].encode(),
        headers=tuple(row["headers"].items()),
        written_at=row["written_at"],
    )
