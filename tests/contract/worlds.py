"""The same port twice: in memory and in PostgreSQL, with one way to look at what was committed."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
import pytest
from fakes.games import FakeForgottenStubs, FakeGameReader
from fakes.library_reader import FakeLibraryReader
from fakes.playtime_reader import FakePlaytimeReader
from fakes.rights import FakeOutdatedEntries
from fakes.sessions import FakeStaleSessions
from fakes.store import Activity, Played, Store, User
from fakes.unit_of_work import FakeUnitOfWork
from servers import SERVERS

from library_adapters.postgres.games import PostgresGameReader
from library_adapters.postgres.library import PostgresOutdatedEntries
from library_adapters.postgres.library_reader import PostgresLibraryReader
from library_adapters.postgres.maintenance import PostgresForgottenStubs
from library_adapters.postgres.playtime_reader import PostgresPlaytimeReader
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.sessions import PostgresStaleSessions
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_domain.catalog.model import GamePrice
from library_domain.shared.ids import GameId, UserId


class MemoryWorld:
    def __init__(self, *, clock: Any, ids: Any, patience_seconds: float = 2.0) -> None:
        self.store = Store()
        self.uow = FakeUnitOfWork(self.store, clock=clock, ids=ids, patience_seconds=patience_seconds)
        self.games = FakeGameReader(self.store)
        self.reader = FakeLibraryReader(self.store)
        self.forgotten_stubs = FakeForgottenStubs(self.store)
        self.outdated = FakeOutdatedEntries(self.store)
        self.stale = FakeStaleSessions(self.store)
        self.playtime = FakePlaytimeReader(self.store)

    async def revision(self, user: UserId) -> int:
        return self.store.users[user].revision if user in self.store.users else 0

    async def erase(self, user: UserId, at: datetime) -> None:
        self.store.users[user] = User(erased_at=at)

    async def leave(self, user: UserId, game: GameId, activity: Activity) -> None:
        self.store.activities[user, game] = activity

    async def prices(self, game: GameId) -> list[dict[str, Any]]:
        return [_told(price) for (of, _), price in sorted(self.store.prices.items()) if of == game]

    async def price_history(self, game: GameId) -> list[dict[str, Any]]:
        return [_told(price) for key, price in sorted(self.store.price_history.items()) if key[0] == game]

    async def achievements(self, game: GameId) -> list[dict[str, Any]]:
        return [asdict(each) for (of, _), each in sorted(self.store.achievements.items()) if of == game]

    async def erasures(self) -> list[dict[str, Any]]:
        return [asdict(job) for _, job in sorted(self.store.erasures.items())]

    async def audit(self) -> list[dict[str, Any]]:
        return self.store.audit

    async def outbox(self) -> list[dict[str, Any]]:
        return [
            {
                "user_id": message.user_id,
                "revision": message.revision,
                "n": message.n,
                "topic": message.topic,
                "type": message.event_type,
                "event": msgspec.json.decode(message.payload),
            }
            for message in self.store.outbox
        ]

    async def jobs(self) -> set[tuple[str, str]]:
        return set(self.store.jobs)

    async def copies(self) -> dict[tuple[UserId, GameId], Any]:
        return {key: (it.session_id, it.player_id, it.since) for key, it in self.store.leases.items()}

    async def activity(self, user: UserId, game: GameId) -> Any:
        played = self.store.activities.get((user, game), Activity())
        return played.total_playtime, played.last_played_at

    async def days(self, user: UserId) -> dict[Any, Any]:
        return {(day, game): _sums(it) for (owner, day, game), it in self.store.days.items() if owner == user}

    async def months(self, user: UserId) -> dict[Any, Any]:
        return {
            (game, year, month): (*_sums(it)[:3], it.first_played_at, it.last_played_at)
            for (owner, game, year, month), it in self.store.months.items()
            if owner == user
        }


class PostgresWorld:
    def __init__(
        self,
        pool: Pool,
        settings: Any,
        *,
        clock: Any,
        ids: Any,
        reader: PostgresLibraryReader | None = None,
        **options: Any,
    ) -> None:
        self.pool = pool
        self.settings = settings
        self.uow = PostgresUnitOfWork(pool, settings, clock=clock, ids=ids, **options)
        self.games = PostgresGameReader(pool)
        self.reader = reader or PostgresLibraryReader(pool)
        self.forgotten_stubs = PostgresForgottenStubs(pool)
        self.outdated = PostgresOutdatedEntries(pool)
        self.stale = PostgresStaleSessions(pool)
        self.playtime = PostgresPlaytimeReader(pool)

    async def _rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        async with self.pool.connection() as connection:
            return await (await connection.execute(query, parameters)).fetchall()

    async def revision(self, user: UserId) -> int:
        rows = await self._rows("SELECT revision FROM user_revisions WHERE user_id = %s", user)
        return rows[0]["revision"] if rows else 0

    async def erase(self, user: UserId, at: datetime) -> None:
        await self._rows(
            "INSERT INTO user_revisions (user_id, changed_at, erased_at) VALUES (%s, %s, %s)"
            " ON CONFLICT (user_id) DO UPDATE SET erased_at = excluded.erased_at RETURNING 1 AS one",
            user,
            at,
            at,
        )

    async def leave(self, user: UserId, game: GameId, activity: Activity) -> None:
        """Leave in an entry what playing will leave there."""
        await self._rows(
            "UPDATE user_libraries SET last_played_at = %s, total_playtime = %s"
            " WHERE user_id = %s AND game_id = %s RETURNING id",
            activity.last_played_at,
            activity.total_playtime,
            user,
            game,
        )

    async def prices(self, game: GameId) -> list[dict[str, Any]]:
        return await self._rows(
            f"SELECT {_TOLD} FROM catalog.prices WHERE game_id = %s ORDER BY currency", game
        )

    async def price_history(self, game: GameId) -> list[dict[str, Any]]:
        return await self._rows(
            f"SELECT {_TOLD} FROM catalog.price_history WHERE game_id = %s ORDER BY currency, valid_from, event_id",
            game,
        )

    async def achievements(self, game: GameId) -> list[dict[str, Any]]:
        return await self._rows(
            "SELECT game_id, achievement_id, event_at, event_id, name, description, icon_url, is_hidden, server_granted,"
            " min_playtime_seconds, is_deleted FROM catalog.game_achievements WHERE game_id = %s ORDER BY achievement_id",
            game,
        )

    async def erasures(self) -> list[dict[str, Any]]:
        return await self._rows(
            "SELECT user_id, requested_at, event_id, reason, state FROM erasure_jobs ORDER BY user_id"
        )

    async def audit(self) -> list[dict[str, Any]]:
        return await self._rows(
            "SELECT user_id, game_id, action, actor_id, request_id, revision"
            " FROM library_audit_log ORDER BY created_at, revision, id"
        )

    async def outbox(self) -> list[dict[str, Any]]:
        return await self._rows(
            "SELECT user_id, revision, n, aggregatetype AS topic, type, payload AS event"
            " FROM outbox ORDER BY written_at, user_id, revision, n"
        )

    async def jobs(self) -> set[tuple[str, str]]:
        return {(row["kind"], row["key"]) for row in await self._rows("SELECT kind, key FROM jobs")}

    async def copies(self) -> dict[tuple[UserId, GameId], Any]:
        rows = await self._rows("SELECT user_id, game_id, session_id, player_id, since FROM copy_leases")
        return _keyed(rows, 2)

    async def activity(self, user: UserId, game: GameId) -> Any:
        """Return what the row of the entry shows: seconds, and the last time."""
        (row,) = await self._rows(
            "SELECT total_playtime, last_played_at FROM user_libraries WHERE user_id = %s AND game_id = %s",
            user,
            game,
        )
        return tuple(row.values())

    async def days(self, user: UserId) -> dict[Any, Any]:
        """Return seconds, sessions, the longest and the last time, by day and game."""
        rows = await self._rows(
            "SELECT date, game_id, total_playtime, sessions_count, longest_session_seconds, last_played_at"
            " FROM playtime_stats_daily WHERE user_id = %s",
            user,
        )
        return _keyed(rows, 2)

    async def months(self, user: UserId) -> dict[Any, Any]:
        """Return seconds, sessions, the longest, the first and the last time, by game, year and month."""
        rows = await self._rows(
            "SELECT game_id, year, month, total_playtime, sessions_count, longest_session_seconds, first_played_at,"
            " last_played_at FROM playtime_stats_monthly WHERE user_id = %s",
            user,
        )
        return _keyed(rows, 3)


_TOLD = "game_id, currency, amount, original_amount, discount_percent, valid_from, valid_until, event_at, event_id"


def _told(price: GamePrice) -> dict[str, Any]:
    return asdict(price) | {
        "currency": price.currency,
        "amount": price.amount.amount,
        "original_amount": price.original_amount.amount,
    }


def _keyed(rows: list[dict[str, Any]], width: int) -> dict[Any, Any]:
    """Return rows by their first columns."""
    values = [tuple(row.values()) for row in rows]
    return {row[:width]: row[width:] for row in values}


def _sums(played: Played) -> tuple[Any, ...]:
    return (
        played.total_playtime,
        played.sessions_count,
        played.longest_session_seconds,
        played.last_played_at,
    )


World = MemoryWorld | PostgresWorld

HOT = "_hot"
EVERY_WAY_OF_READING = pytest.mark.parametrize(
    "world", ["memory", *(f"{server}{way}" for server in SERVERS for way in ("", HOT))], indirect=True
)
"""For tests of what reads."""
