"""Reads of playtime, shaped for the answers; an entity is rebuilt only of a running session, for its status."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, LiteralString

import msgspec

from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.statements import statements
from library_domain.playtime.model import (
    LENGTH_MAX,
    Aggregation,
    Days,
    ReportPeriod,
    Session,
    average,
    longest_streak,
)
from library_domain.playtime.queries import (
    GAMES_MAX,
    TOP_GAMES,
    GamePlaytime,
    LifetimePage,
    LongestStreak,
    NewGame,
    PeriodPlaytime,
    PlaytimeReport,
    PlaytimeSession,
    PlaytimeStats,
    SessionPage,
    SessionQuery,
    StatsQuery,
)
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Page, Position

_SQL = statements("playtime_reader")

# No session began before there were computers, and none will after they are gone; nulls would hide from the planner which
# partitions are asked for.
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_STEP = {Aggregation.DAILY: "day", Aggregation.WEEKLY: "week", Aggregation.MONTHLY: "month"}


class PostgresPlaytimeReader:
    """Implements library_domain.playtime.queries.PlaytimeReader: each read is one exchange."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def sessions(self, user_id: UserId, query: SessionQuery) -> SessionPage:
        """See the port."""
        page = query.page
        parameters: dict[str, Any] = {
            "user_id": user_id,
            "game_id": query.game_id,
            "start": query.start or _EVER,
            "end": query.end or _NEVER,
            # One more than asked for tells whether anything follows.
            "limit": page.limit + 1,
        }
        with driver_errors():
            async with self._pool.connection() as connection, connection.pipeline():
                if page.after is None:
                    cursor = await connection.execute(
                        _of("history", query.game_id), parameters | {"offset": page.offset}
                    )
                    counting = await connection.execute(_of("history_total", query.game_id), parameters)
                    rows, counted = await cursor.fetchall(), await counting.fetchone()
                else:
                    behind = {"after_start": page.after.key, "after_id": page.after.id}
                    cursor = await connection.execute(
                        _of("history_after", query.game_id), parameters | behind
                    )
                    rows, counted = await cursor.fetchall(), None
        items = msgspec.convert(rows[: page.limit], list[PlaytimeSession])
        return SessionPage(
            items=items,
            total=counted["total"] if counted else None,
            next=Position(key=items[-1].start_time, id=items[-1].id) if len(rows) > page.limit else None,
        )

    async def running(self, user_id: UserId) -> Sequence[PlaytimeSession]:
        """See the port."""
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_SQL["running"], {"user_id": user_id})
                return [_running(row) async for row in cursor]

    async def stats(self, user_id: UserId, query: StatsQuery) -> PlaytimeStats:
        """See the port."""
        parameters = {
            "user_id": user_id,
            "game_id": query.game_id,
            "step": _STEP[query.aggregation],
            "games_max": GAMES_MAX,
            **_span(query.days),
        }
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_of("stats", query.game_id), parameters)
                (row,) = await cursor.fetchall()
        return PlaytimeStats(
            first_day=query.days.first,
            last_day=query.days.last,
            aggregation=query.aggregation,
            sessions_per_week=query.days.per_week(row["sessions_count"]),
            games_count=row["games_count"],
            games=_games(row["games"]),
            periods=[_period(each, query.aggregation) for each in row["periods"]],
            **_sums(row),
        )

    async def lifetime(self, user_id: UserId, *, game_id: GameId | None, page: Page) -> LifetimePage:
        """See the port."""
        parameters = {
            "user_id": user_id,
            "game_id": game_id,
            "after_seconds": None if page.after is None else page.after.key,
            "after_id": None if page.after is None else page.after.id,
            "limit": page.limit + 1,
            "offset": page.offset,
        }
        with driver_errors():
            async with self._pool.connection() as connection:
                (row,) = await (await connection.execute(_of("lifetime", game_id), parameters)).fetchall()
        found = _games(row["games"])
        shown = found[: page.limit]
        last = shown[-1] if len(found) > len(shown) else None
        return LifetimePage(
            games=shown,
            next=None if last is None else Position(key=last.total_playtime_seconds, id=last.game_id),
            **_sums(row),
        )

    async def report(self, user_id: UserId, period: ReportPeriod) -> PlaytimeReport:
        """See the port."""
        days = period.days
        of_days = {"user_id": user_id, "games_max": TOP_GAMES, **_span(days)}
        start = max(_midnight(days.first), _EVER)
        of_time = {
            "user_id": user_id,
            "games_max": TOP_GAMES,
            "since": start - LENGTH_MAX,
            "start": start,
            "end": _midnight(days.end),
        }
        with driver_errors():
            async with self._pool.connection() as connection, connection.pipeline():
                played = await connection.execute(_SQL["report"], of_days)
                busiest = await connection.execute(_SQL["busiest_hour"], of_time)
                added = await connection.execute(_SQL["new_games"], of_time)
                (row,), hour = await played.fetchall(), await busiest.fetchone()
                (new,) = await added.fetchall()
        streak = longest_streak(row["days"])
        sums = _sums(row)
        del sums["average_session_seconds"], sums["longest_session_seconds"], sums["last_played_at"]
        return PlaytimeReport(
            period=period.name,
            first_day=days.first,
            last_day=days.last,
            games_count=row["games_count"],
            days_played=len(row["days"]),
            top_games=_games(row["top_games"]),
            busiest_weekday=row["busiest_weekday"],
            busiest_hour=None if hour is None else hour["hour"],
            longest_streak=None
            if streak is None
            else LongestStreak(days=streak.days, first_day=streak.first, last_day=streak.last),
            new_games_count=new["new_games_count"],
            new_games=msgspec.convert(new["new_games"], list[NewGame]),
            **sums,
        )


def _of(name: str, game_id: GameId | None) -> LiteralString:
    """Return the statement, of all games or of one: each has its own index."""
    return _SQL[f"{name}.{'all' if game_id is None else 'one'}"]


def _span(days: Days) -> dict[str, date]:
    return {"first": days.first, "end": days.end}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


def _sums(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sums of the row, and the average that they make."""
    return {
        "total_playtime_seconds": row["total_playtime_seconds"],
        "sessions_count": row["sessions_count"],
        "average_session_seconds": average(row["total_playtime_seconds"], row["sessions_count"]),
        "longest_session_seconds": row["longest_session_seconds"],
        "last_played_at": row["last_played_at"],
    }


def _games(document: Sequence[dict[str, Any]]) -> list[GamePlaytime]:
    return [
        msgspec.convert(
            each
            | {"average_session_seconds": average(each["total_playtime_seconds"], each["sessions_count"])},
            GamePlaytime,
        )
        for each in document
    ]


def _period(document: Mapping[str, Any], aggregation: Aggregation) -> PeriodPlaytime:
    period = aggregation.name_of(date.fromisoformat(document["period"]))
    return msgspec.convert({**document, "period": period}, PeriodPlaytime)


def _running(row: Mapping[str, Any]) -> PlaytimeSession:
    """Make what is shown of a running session: what it counts so far, and what its last sign of life left."""
    session = msgspec.convert(row, Session)
    return PlaytimeSession(
        id=session.id,
        user_id=session.user_id,
        game_id=session.game_id,
        game_name=row["game_name"],
        owner_id=session.owner_id,
        start_time=session.start_time,
        end_time=None,
        duration_seconds=None,
        played_seconds=session.played_seconds,
        afk_seconds=session.afk_seconds,
        suspended_seconds=session.suspended_seconds,
        device_id=session.device_id,
        platform=session.platform,
        game_version=session.game_version,
        is_active=True,
        status=session.status,
        end_reason=None,
        last_heartbeat_at=session.last_heartbeat_at,
        created_at=session.start_time,
        updated_at=session.last_heartbeat_at,
    )
