"""Refunds in PostgreSQL."""

from collections.abc import Callable
from datetime import datetime

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.statements import statements
from library_domain.library.model import Refund, Refunds
from library_domain.shared.ids import UserId

_SQL = statements("refunds")


class PostgresRefunds:
    """Implements library_domain.library.ports.RefundRepository on an open transaction."""

    def __init__(
        self,
        connection: Connection,
        *,
        next_revision: Callable[[UserId], int],
        now: Callable[[], datetime],
    ) -> None:
        self._connection = connection
        self._next_revision = next_revision
        self._now = now

    async def of(self, user_id: UserId, transaction_id: str) -> Refunds:
        """See the port."""
        parameters = {"user_id": user_id, "transaction_id": transaction_id}
        cursor = await self._connection.execute(_SQL["of"], parameters)
        by_game = {row.pop("game_id"): Refund(**row) async for row in cursor}
        return Refunds(user_id=user_id, transaction_id=transaction_id, by_game=by_game)

    async def save(self, refunds: Refunds) -> None:
        """See the port."""
        rows = [
            {
                "user_id": refunds.user_id,
                "transaction_id": refunds.transaction_id,
                "game_id": game_id,
                "event_time": refunds.by_game[game_id].event_time,
                "event_id": refunds.by_game[game_id].event_id,
                "revision": self._next_revision(refunds.user_id),
                "now": self._now(),
            }
            for game_id in refunds.changed
        ]
        async with self._connection.cursor() as cursor:
            await cursor.executemany(_SQL["put"], rows)
        refunds.changed.clear()
