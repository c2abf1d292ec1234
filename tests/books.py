"""What is stored of a player, read from the fakes' store and from the tables."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from fakes.store import Store
from players import Books
from psycopg.rows import tuple_row

from library_adapters.postgres.pool import Pool
from library_domain.playtime.model import Session, SessionId
from library_domain.shared.ids import GameId, UserId

_FACTS = {
    "library.session.started": "started",
    "library.session.ended": "ended",
    "library.playtime.updated": "updated",
}

_LIVE = """
SELECT session_id, game_id, device_id, start_time, last_heartbeat_at, last_input_at, active_first_day,
       active_second_day, afk_seconds, suspended_seconds
  FROM active_sessions
 WHERE user_id = %s
"""
_LEASES = "SELECT game_id, session_id FROM copy_leases WHERE user_id = %s AND player_id = user_id"
_RECORDS = """
SELECT id, game_id, device_id, start_time, end_time, end_reason, over_since, duration, active_first_day, afk_seconds,
       suspended_seconds, total_playtime_after
  FROM playtime_sessions
 WHERE user_id = %s
"""
_DAYS = """
SELECT date, game_id, total_playtime, sessions_count, longest_session_seconds
  FROM playtime_stats_daily
 WHERE user_id = %s
"""
_MONTHS = """
SELECT year, month, game_id, total_playtime, sessions_count, longest_session_seconds
  FROM playtime_stats_monthly
 WHERE user_id = %s
"""
_ITEMS = """
SELECT game_id, total_playtime, last_played_at
  FROM user_libraries
 WHERE user_id = %s AND (last_played_at IS NOT NULL OR total_playtime <> 0)
"""
_RECENT = """
SELECT game_id, shown ->> 'id', shown ->> 'start_time', shown ->> 'end_time', (shown ->> 'duration_seconds')::integer
  FROM recent_sessions
 CROSS JOIN LATERAL jsonb_array_elements(sessions) WITH ORDINALITY AS each (shown, place)
 WHERE user_id = %s
 ORDER BY game_id, place
"""
_TOLD = """
SELECT type, payload -> 'data' ->> 'session_id' AS session_id
  FROM outbox
 WHERE user_id = %s AND aggregatetype = 'playtime-events'
"""


class StoreKeeper:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def books(self, user: UserId) -> Books:
        store = self._store
        return Books(
            live={session.id: _live(session) for (of, _), session in store.sessions.items() if of == user},
            leases={
                game: SessionId(lease.session_id)
                for (of, game), lease in store.leases.items()
                if of == user == lease.player_id
            },
            records={
                kept.record.session.id: (
                    kept.record.session.game_id,
                    kept.record.session.device_id,
                    kept.record.session.start_time,
                    kept.record.session.end_time,
                    kept.record.session.reason,
                    kept.record.session.over_since,
                    kept.record.session.duration_seconds,
                    kept.record.session.days[0].active_seconds,
                    kept.record.session.afk_seconds,
                    kept.record.session.suspended_seconds,
                    kept.record.total_playtime_seconds,
                )
                for (of, _), kept in store.ended.items()
                if of == user
            },
            days={
                (day, game): (played.total_playtime, played.sessions_count, played.longest_session_seconds)
                for (of, day, game), played in store.days.items()
                if of == user
            },
            months={
                (year, month, game): (
                    played.total_playtime,
                    played.sessions_count,
                    played.longest_session_seconds,
                )
                for (of, game, year, month), played in store.months.items()
                if of == user
            },
            items={
                game: (activity.total_playtime, activity.last_played_at)
                for (of, game), activity in store.activities.items()
                if of == user and activity.last_played_at is not None
            },
            recent=_recent(
                (
                    kept.record.session.game_id,
                    kept.record.session.id,
                    kept.record.session.start_time,
                    kept.record.session.end_time,
                    kept.record.session.duration_seconds,
                )
                for (of, _), kept in reversed(store.ended.items())
                if of == user
            ),
            told=Counter(
                (
                    _FACTS[message.event_type],
                    SessionId(UUID(msgspec.json.decode(message.payload)["data"]["session_id"])),
                )
                for message in store.outbox
                if message.user_id == user and message.topic == "playtime-events"
            ),
        )


class TableKeeper:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def books(self, user: UserId) -> Books:
        """Read all of it as it is at one moment."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

            async def rows(query: Any) -> list[tuple[Any, ...]]:
                async with connection.cursor(row_factory=tuple_row) as cursor:
                    return await (await cursor.execute(query, [user])).fetchall()

            return Books(
                live={row[0]: row[1:] for row in await rows(_LIVE)},
                leases={row[0]: row[1] for row in await rows(_LEASES)},
                records={row[0]: row[1:] for row in await rows(_RECORDS)},
                days={row[:2]: row[2:] for row in await rows(_DAYS)},
                months={row[:3]: row[3:] for row in await rows(_MONTHS)},
                items={row[0]: row[1:] for row in await rows(_ITEMS)},
                recent=_recent(
                    (game, SessionId(UUID(session)), _moment(start), _moment(end), seconds)
                    for game, session, start, end, seconds in await rows(_RECENT)
                ),
                told=Counter((_FACTS[row[0]], SessionId(UUID(row[1]))) for row in await rows(_TOLD)),
            )


def _recent(latest_first: Iterable[tuple[Any, ...]]) -> dict[GameId, list[tuple[Any, ...]]]:
    recent: defaultdict[GameId, list[tuple[Any, ...]]] = defaultdict(list)
    for game, *shown in latest_first:
        recent[game].append(tuple(shown))
    return {game: sessions[:10] for game, sessions in recent.items()}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _live(session: Session) -> tuple[Any, ...]:
    return (
        session.game_id,
        session.device_id,
        session.start_time,
        session.last_heartbeat_at,
        session.last_input_at,
        session.active_first_day,
        session.active_second_day,
        session.afk_seconds,
        session.suspended_seconds,
    )
