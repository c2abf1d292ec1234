"""Whole users' playtime in PostgreSQL, each read in one snapshot."""

from collections import defaultdict

from library_adapters.postgres.pool import Pool
from library_adapters.postgres.snapshot import snapshot
from library_adapters.postgres.statements import statements
from library_domain.playtime.model import Ledger, Lent, Playing, Shown, Stretch, Tally
from library_domain.shared.ids import GameId, UserId

_SQL = statements("ledgers")


class PostgresLedgers:
    """Implements library_domain.playtime.ports.Ledgers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, user_id: UserId) -> Ledger:
        """See the port."""
        mine = {"user_id": user_id}
        sessions: defaultdict[GameId, list[Stretch]] = defaultdict(list)
        recent: defaultdict[GameId, list[Stretch]] = defaultdict(list)
        async with snapshot(self._pool) as connection:
            since = await (await connection.execute(_SQL["kept_since"])).fetchone()
            async for row in await connection.execute(_SQL["sessions"], mine):
                sessions[row.pop("game_id")].append(Stretch(**row))
            async for row in await connection.execute(_SQL["recent"], mine):
                recent[row.pop("game_id")].append(Stretch(**row))
            days = await (await connection.execute(_SQL["days"], mine)).fetchall()
            months = await (await connection.execute(_SQL["months"], mine)).fetchall()
            items = await (await connection.execute(_SQL["items"], mine)).fetchall()
            running = await (await connection.execute(_SQL["running"], mine)).fetchall()
            lent = await (await connection.execute(_SQL["lent"], mine)).fetchall()
        return Ledger(
            user_id=user_id,
            kept_since=since["day"] if since else None,
            sessions=sessions,
            days={(row.pop("game_id"), row.pop("date")): Tally(**row) for row in days},
            months={(row.pop("game_id"), row.pop("year"), row.pop("month")): Tally(**row) for row in months},
            items={row.pop("game_id"): Shown(**row) for row in items},
            recent=recent,
            running={row.pop("session_id"): Playing(**row) for row in running},
            lent={row.pop("game_id"): Lent(**row) for row in lent},
        )
