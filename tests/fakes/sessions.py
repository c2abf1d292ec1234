"""Sessions and their sums, in memory."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from fakes.store import Activity, KeptSession, Lease, Played, Store
from library_domain.playtime.errors import GameInUse, SessionAlreadyActive
from library_domain.playtime.model import (
    AT_ONCE_AFTER,
    DayShare,
    EndedSession,
    Session,
    SessionId,
    SessionRecord,
    SessionStatus,
    Sums,
)
from library_domain.playtime.ports import FoundSession, RunningSessions
from library_domain.shared.ids import GameId, UserId

KeyT = TypeVar("KeyT")


class FakeSessions:
    def __init__(
        self, store: Store, next_revision: Callable[[UserId], int], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._next_revision = next_revision
        self._now = now

    async def running(self, user_id: UserId, session_id: SessionId) -> Session | None:
        user = self._store.users.get(user_id)
        if user is not None and user.erased_at is not None:
            return None
        return deepcopy(self._store.sessions.get((user_id, session_id)))

    async def running_game(self, user_id: UserId, game_id: GameId) -> Session | None:
        found = (each for each in await self.all_running(user_id) if each.game_id == game_id)
        return next(found, None)

    async def all_running(self, user_id: UserId) -> Sequence[Session]:
        keys = sorted(key for key in self._store.sessions if key[0] == user_id)
        return [deepcopy(self._store.sessions[key]) for key in keys]

    async def ended(self, user_id: UserId, session_id: SessionId) -> SessionRecord | None:
        kept = self._store.ended.get((user_id, session_id))
        return None if kept is None else kept.record

    async def open(self, session: Session) -> None:
        self._next_revision(session.user_id)
        there = await self.running_game(session.user_id, session.game_id)
        if there is not None:
            raise SessionAlreadyActive(
                session_id=there.id, device_id=there.device_id, start_time=there.start_time
            )
        lease = self._store.leases.get((session.owner_id, session.game_id))
        if lease is not None:
            raise GameInUse(in_use_by={"user_id": lease.player_id, "since": lease.since})
        await self.keep(session)
        self._store.leases[session.owner_id, session.game_id] = Lease(
            session.id, session.user_id, session.start_time
        )

    async def keep(self, session: Session) -> None:
        self._store.sessions[session.user_id, session.id] = deepcopy(session)

    async def close(self, session: EndedSession) -> SessionRecord:
        user_id, game_id = session.user_id, session.game_id
        self._next_revision(user_id)
        del self._store.sessions[user_id, session.id]
        lease = self._store.leases.get((session.owner_id, game_id))
        if lease is not None and lease.session_id == session.id:
            del self._store.leases[session.owner_id, game_id]
        total = self._add_to_item(session)
        record = SessionRecord(session=session, total_playtime_seconds=total)
        self._store.ended[user_id, session.id] = KeptSession(record, self._now())
        for share in session.days:
            _add(self._store.days, (user_id, share.day, game_id), session, share)
            _add(self._store.months, (user_id, game_id, share.day.year, share.day.month), session, share)
        return replace(record, sums=await self._sums(session, total))

    async def platform_of(self, user_id: UserId, device_id: str) -> str | None:
        reports = [
            (device.event_at, device.event_id, device.platform)
            for (owner, _), installations in self._store.installations.items()
            for name, device in installations.devices.items()
            if owner == user_id and name == device_id and device.platform is not None
        ]
        return max(reports)[2] if reports else None

    def _add_to_item(self, session: EndedSession) -> int:
        key = session.user_id, session.game_id
        activity = self._store.activities.setdefault(key, Activity())
        activity.total_playtime += session.duration_seconds
        activity.last_played_at = max(activity.last_played_at or session.end_time, session.end_time)
        self._store.updated_at[key] = self._now()
        return activity.total_playtime

    async def _sums(self, session: EndedSession, total: int) -> Sums:
        touched = {share.day for share in session.days}
        by_day = dict.fromkeys(sorted(touched), 0)
        for (user_id, day, _), played in self._store.days.items():
            if user_id == session.user_id and day in touched:
                by_day[day] += played.total_playtime
        long_running = sum(
            other.start_time < session.end_time - AT_ONCE_AFTER
            for other in await self.all_running(session.user_id)
        )
        return Sums(total_playtime_seconds=total, by_day=by_day, long_running=long_running)


class FakeStaleSessions:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(
        self, *, now: datetime, after: FoundSession | None, before: UserId | None, limit: int
    ) -> Sequence[FoundSession]:
        found = [
            FoundSession(user_id=user_id, session_id=session.id)
            for (user_id, _), session in sorted(self._store.sessions.items())
            if session.over(now) is not None
            and self._store.users[user_id].erased_at is None
            and (after is None or (user_id, session.id) > (after.user_id, after.session_id))
            and (before is None or user_id < before)
        ]
        return found[:limit]

    async def count(self, *, now: datetime) -> RunningSessions:
        sessions = self._store.sessions.values()
        alive = [session.status for session in sessions if session.over(now) is None]
        return RunningSessions(
            active=alive.count(SessionStatus.ACTIVE),
            afk=alive.count(SessionStatus.AFK),
            over=len(sessions) - len(alive),
        )


def _add(sums: dict[KeyT, Played], key: KeyT, session: EndedSession, share: DayShare) -> None:
    played = sums.setdefault(key, Played(session.start_time, session.end_time))
    played.first_played_at = min(played.first_played_at, session.start_time)
    played.last_played_at = max(played.last_played_at, session.end_time)
    played.total_playtime += share.active_seconds
    played.sessions_count += share.sessions
    if share.sessions:
        played.longest_session_seconds = max(played.longest_session_seconds, session.duration_seconds)
