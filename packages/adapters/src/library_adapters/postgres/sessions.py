"""Sessions in PostgreSQL: those that run, what is kept of those that ended, and their sums."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.statements import statements
from library_domain.playtime.errors import GameInUse, SessionAlreadyActive
from library_domain.playtime.model import (
    AFK_AFTER,
    AFK_MAX,
    AT_ONCE_AFTER,
    LENGTH_MAX,
    SILENCE_MAX,
    DayShare,
    EndedSession,
    EndReason,
    Session,
    SessionId,
    SessionRecord,
    Sums,
    started_at,
    whole_second,
)
from library_domain.playtime.ports import FoundSession, RunningSessions
from library_domain.shared.ids import GameId, UserId

_SQL = statements("sessions")
_MEMBERS = tuple(each.name for each in fields(Session))
# The two UUIDs that are nobody's: nil and max.
_BEFORE_ALL = UUID(int=0)
_BEYOND_ALL = UUID(int=(1 << 128) - 1)


class PostgresSessions:
    """Implements library_domain.playtime.ports.SessionRepository on an open transaction."""

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

    async def running(self, user_id: UserId, session_id: SessionId) -> Session | None:
        """See the port."""
        return await self._one("running", {"user_id": user_id, "session_id": session_id})

    async def running_game(self, user_id: UserId, game_id: GameId) -> Session | None:
        """See the port."""
        return await self._one("running_game", {"user_id": user_id, "game_id": game_id})

    async def all_running(self, user_id: UserId) -> Sequence[Session]:
        """See the port."""
        cursor = await self._connection.execute(_SQL["all_running"], {"user_id": user_id})
        return [Session(**row) async for row in cursor]

    async def ended(self, user_id: UserId, session_id: SessionId) -> SessionRecord | None:
        """See the port."""
        start_time = started_at(session_id)
        if start_time is None:
            return None
        parameters = {"user_id": user_id, "session_id": session_id, "start_time": start_time}
        row = await (await self._connection.execute(_SQL["ended"], parameters)).fetchone()
        return None if row is None else to_record(row)

    async def open(self, session: Session) -> None:
        """See the port."""
        row = session_row(session) | {"revision": self._next_revision(session.user_id)}
        async with self._connection.pipeline():
            opened = await self._connection.execute(_SQL["open"], row)
            leased = await self._connection.execute(_SQL["lease"], row)
        there = await opened.fetchone()
        if there is not None and there["session_id"] != session.id:
            raise SessionAlreadyActive(**there)
        holder = await leased.fetchone()
        if holder is not None and holder["session_id"] != session.id:
            raise GameInUse(in_use_by={"user_id": holder["player_id"], "since": holder["since"]})

    async def keep(self, session: Session) -> None:
        """See the port."""
        await self._connection.execute(_SQL["keep"], session_row(session))

    async def close(self, session: EndedSession) -> SessionRecord:
        """See the port."""
        row = _ended_row(session) | {"revision": self._next_revision(session.user_id), "now": self._now()}
        days = {share.day: share.active_seconds for share in session.days}
        running = {"user_id": session.user_id, "before": session.end_time - AT_ONCE_AFTER}
        async with self._connection.pipeline(), self._connection.cursor() as cursor:
            gone = await self._connection.execute(_SQL["end"], row)
            await self._connection.execute(_SQL["release"], row)
            await self._connection.execute(_SQL["add_to_item"], row)
            recorded = await self._connection.execute(_SQL["record"], row)
            await cursor.executemany(_SQL["add_to_day"], [row | share for share in _shares_of_days(session)])
            await cursor.executemany(
                _SQL["add_to_month"], [row | share for share in _shares_of_months(session)]
            )
            await self._connection.execute(_SQL["add_to_recent"], row)
            sums = await self._connection.execute(
                _SQL["sums_of_days"], {"user_id": session.user_id, "dates": list(days)}
            )
            others = await self._connection.execute(_SQL["long_running"], running)
        total, count = await recorded.fetchone(), await others.fetchone()
        if await gone.fetchone() is None or total is None or count is None:
            msg = "a session ends that does not run, or whose item is not there"
            raise RuntimeError(msg)
        return SessionRecord(
            session=session,
            total_playtime_seconds=total["total_playtime_after"],
            sums=Sums(
                total_playtime_seconds=total["total_playtime_after"],
                by_day={day["date"]: day["seconds"] async for day in sums},
                long_running=count["sessions"],
            ),
        )

    async def platform_of(self, user_id: UserId, device_id: str) -> str | None:
        """See the port: what Download told last."""
        parameters = {"user_id": user_id, "device_id": device_id}
        row = await (await self._connection.execute(_SQL["platform_of"], parameters)).fetchone()
        return None if row is None else row["platform"]

    async def _one(self, name: str, parameters: dict[str, object]) -> Session | None:
        row = await (await self._connection.execute(_SQL[name], parameters)).fetchone()
        return None if row is None else Session(**row)


class PostgresStaleSessions:
    """Implements library_domain.playtime.ports.StaleSessions."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(
        self, *, now: datetime, after: FoundSession | None, before: UserId | None, limit: int
    ) -> Sequence[FoundSession]:
        """See the port."""
        parameters = _limits(now) | {
            "after_user_id": after.user_id if after else _BEFORE_ALL,
            "after_session_id": after.session_id if after else _BEFORE_ALL,
            "before_user_id": before or _BEYOND_ALL,
            "limit": limit,
        }
        with driver_errors():
            async with self._pool.connection() as connection:
                # Planned for the values at hand: of few that are over in a part all its rows are read as they lie, of
                # many the first by their key. A plan for any values takes ten times as long for the few.
                cursor = await connection.execute(_SQL["stale"], parameters, prepare=False)
                return [FoundSession(**row) async for row in cursor]

    async def count(self, *, now: datetime) -> RunningSessions:
        """See the port."""
        parameters = _limits(now) | {"afk_after": AFK_AFTER // timedelta(seconds=1)}
        with driver_errors():
            async with self._pool.connection() as connection:
                row = await (await connection.execute(_SQL["count"], parameters)).fetchone()
                return RunningSessions(**row or {})


def _limits(now: datetime) -> dict[str, object]:
    """Return the rules of `Session.over` as the database compares them: the same, since all times are whole seconds."""
    moment = whole_second(now)
    return {
        "silent_since": moment - SILENCE_MAX,
        "idle_since": moment - AFK_MAX,
        "started_before": moment - LENGTH_MAX,
    }


def to_record(row: Mapping[str, Any]) -> SessionRecord:
    """Make the record that a row of playtime_sessions stands for."""
    first, second = row["active_first_day"], row["duration"] - row["active_first_day"]
    start: datetime = row["start_time"]
    days = [DayShare(day=start.date(), active_seconds=first, sessions=1)]
    if second:
        days.append(DayShare(day=date.fromordinal(start.toordinal() + 1), active_seconds=second, sessions=0))
    return SessionRecord(
        session=EndedSession(
            id=row["id"],
            user_id=row["user_id"],
            game_id=row["game_id"],
            library_item_id=row["library_item_id"],
            owner_id=row["owner_id"],
            device_id=row["device_id"],
            platform=row["platform"],
            game_version=row["game_version"],
            start_time=start,
            end_time=row["end_time"],
            last_heartbeat_at=row["last_heartbeat_at"],
            clock_skew_seconds=row["clock_skew_seconds"],
            reason=EndReason(row["end_reason"]),
            over_since=row["over_since"],
            days=tuple(days),
            afk_seconds=row["afk_seconds"],
            suspended_seconds=row["suspended_seconds"],
            told_idle=row["told_idle"],
        ),
        total_playtime_seconds=row["total_playtime_after"],
    )


def session_row(session: Session) -> dict[str, Any]:
    """Return the members of a running session by name; `asdict` would copy each of them, which takes longer than to send them."""
    return {name: getattr(session, name) for name in _MEMBERS}


def _ended_row(session: EndedSession) -> dict[str, Any]:
    return {
        "id": session.id,
        "user_id": session.user_id,
        "game_id": session.game_id,
        "library_item_id": session.library_item_id,
        "owner_id": session.owner_id,
        "device_id": session.device_id,
        "platform": session.platform,
        "game_version": session.game_version,
        "start_time": session.start_time,
        "end_time": session.end_time,
        "last_heartbeat_at": session.last_heartbeat_at,
        "clock_skew_seconds": session.clock_skew_seconds,
        "end_reason": session.reason,
        "over_since": session.over_since,
        "duration": session.duration_seconds,
        "active_first_day": session.days[0].active_seconds,
        "afk_seconds": session.afk_seconds,
        "suspended_seconds": session.suspended_seconds,
        "told_idle": session.told_idle,
    }


def _shares_of_days(session: EndedSession) -> list[dict[str, Any]]:
    return [{"date": share.day} | _share(session, share) for share in session.days]


def _shares_of_months(session: EndedSession) -> list[dict[str, Any]]:
    by_month: defaultdict[tuple[int, int], list[DayShare]] = defaultdict(list)
    for share in session.days:
        by_month[share.day.year, share.day.month].append(share)
    return [
        {"year": year, "month": month} | _share(session, *shares)
        for (year, month), shares in by_month.items()
    ]


def _share(session: EndedSession, *shares: DayShare) -> dict[str, Any]:
    sessions = sum(share.sessions for share in shares)
    return {
        "seconds": sum(share.active_seconds for share in shares),
        "sessions": sessions,
        # A session is as long as it is where it counts, and nowhere else.
        "longest": session.duration_seconds if sessions else 0,
    }
