"""The relay's side of the outbox: whole shards held by advisory locks on one connection (data 18, 19)."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Self

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from library_adapters.postgres.errors import POSTGRES, driver_errors
from library_adapters.postgres.pool import connection_arguments, connection_info
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.postgres.statements import statements
from library_domain.outbox.model import OutboxMessage
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
        self._conninfo = connection_info(settings)
        self._timeout_seconds = (
            settings.statement_timeout_milliseconds / 1000 + settings.connect_timeout_seconds
        )
        self._clock = clock
        self._connection: AsyncConnection[DictRow] | None = None
        self._listener: AsyncConnection[DictRow] | None = None
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
        with driver_errors():
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    connection = await self._connected()
                    # Asked even when none is missing: the answer shows that what we hold is still ours.
                    missing = sorted(set(range(OUTBOX_SHARDS)) - set(self._held))
                    cursor = await connection.execute(_SQL["claim_shards"], {"shards": missing})
                    self._held += [row["shard"] async for row in cursor]
            except BaseException as error:
                await self._disconnect()
                if isinstance(error, TimeoutError):
                    raise DependencyUnavailable(POSTGRES) from error
                raise
        return len(self._held)

    async def pending(self, *, limit: int) -> Sequence[OutboxMessage]:
        """See the port. `limit` is shared evenly by the shards that are held."""
        if not self._held:
            return []
        each = -(-limit // len(self._held))
        rows = await self._run("pending", {"shards": self._held, "each": each})
        return [
            OutboxMessage(
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
            for row in rows
        ]

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

    async def parked(self) -> int:
        """Return how many messages are parked, of any shard; each is an alert."""
        return int((await self._run("count_parked", {}))[0]["parked"])

    async def wait_for_wakeup(self, timeout_seconds: float) -> None:
        """Return when a writer called or the time is up, whichever is first."""
        listener = self._listener
        if listener is None:
            await asyncio.sleep(timeout_seconds)
            return
        with driver_errors():
            async for _ in listener.notifies(timeout=timeout_seconds, stop_after=1):
                pass

    async def _run(self, name: str, parameters: dict[str, object]) -> list[DictRow]:
        if self._connection is None:
            raise DependencyUnavailable(POSTGRES)
        with driver_errors():
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    cursor = await self._connection.execute(_SQL[name], parameters)
                    return await cursor.fetchall() if cursor.description else []
            except BaseException as error:
                # Whatever went wrong, we no longer know what we hold; the next claim starts afresh.
                await self._disconnect()
                if isinstance(error, TimeoutError):
                    raise DependencyUnavailable(POSTGRES) from error
                raise

    async def _connected(self) -> AsyncConnection[DictRow]:
        if self._connection is None or self._connection.closed:
            await self._disconnect()
            async with AsyncExitStack() as stack:
                self._connection = await self._connect(stack)
                self._listener = await self._connect(stack)
                await self._listener.execute(_SQL["listen"])
                stack.pop_all()
        if self._connection is None:
            raise DependencyUnavailable(POSTGRES)
        return self._connection

    async def _connect(self, stack: AsyncExitStack) -> AsyncConnection[DictRow]:
        connection: AsyncConnection[DictRow] = await AsyncConnection.connect(
            self._conninfo, **connection_arguments()
        )
        stack.push_async_callback(connection.close)
        return connection

    async def _disconnect(self) -> None:
        self._held.clear()
        connections = [c for c in (self._connection, self._listener) if c is not None]
        self._connection = self._listener = None
        for connection in connections:
            await connection.close()
