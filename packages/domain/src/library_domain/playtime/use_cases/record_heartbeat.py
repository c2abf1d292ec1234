"""Take a sign of life of a session (contract 4.2)."""

from dataclasses import dataclass
from datetime import datetime

from library_domain.playtime.errors import SessionEnded, SessionNotFound
from library_domain.playtime.model import EndReason, Session, SessionId, SessionRecord, SessionStatus
from library_domain.playtime.ports import PlaytimeUnitOfWork, QuickSessions
from library_domain.shared.clock import Clock
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHeartbeat:
    """The session lives. Seconds as the client counted them since the last input and while the device slept."""

    user_id: UserId
    session_id: SessionId
    idle_seconds: int = 0
    suspended_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHeartbeatResult:
    """What the session shows after it."""

    status: SessionStatus
    played_seconds: int


class RecordHeartbeatHandler:
    """Let the session settle its time and keep it, durably, before it is answered.

    `quick` is tried first, if there is one; what it refuses is done in an ordinary transaction, which locks only the
    session's row.
    A session that is over is ended by this call, if nobody did it before.

    Raises SessionNotFound, also for another's session, and SessionEnded.
    """

    def __init__(self, *, uow: PlaytimeUnitOfWork, clock: Clock, quick: QuickSessions | None = None) -> None:
        self._uow = uow
        self._clock = clock
        self._quick = quick

    async def __call__(self, command: RecordHeartbeat) -> RecordHeartbeatResult:
        now = self._clock.now()
        session = await self._quickly(command, now) or await self._ordinarily(command, now)
        if session is None:
            session = await self._ended(command, now)
        return RecordHeartbeatResult(status=session.status, played_seconds=session.played_seconds)

    async def _quickly(self, command: RecordHeartbeat, now: datetime) -> Session | None:
        if self._quick is None:
            return None
        seen = await self._quick.running(command.user_id, command.session_id)
        if seen is None or seen.session.over(now) is not None:
            return None
        _contact(seen.session, command, now)
        return seen.session if await self._quick.keep(seen.session, seen=seen) else None

    async def _ordinarily(self, command: RecordHeartbeat, now: datetime) -> Session | None:
        async with self._uow.begin() as tx:
            session = await tx.sessions.running(command.user_id, command.session_id)
            if session is None or session.over(now) is not None:
                return None
            _contact(session, command, now)
            await tx.sessions.keep(session)
            return session

    async def _ended(self, command: RecordHeartbeat, now: datetime) -> Session:
        """End it, if that is left to be done, and refuse. A session that came to life meanwhile is returned."""
        async with self._uow.begin(command.user_id) as tx:
            session = await tx.sessions.running(command.user_id, command.session_id)
            if session is None:
                record = await tx.sessions.ended(command.user_id, command.session_id)
                if record is None:
                    raise SessionNotFound(session_id=command.session_id)
            elif session.over(now) is None:
                _contact(session, command, now)
                await tx.sessions.keep(session)
                return session
            else:
                games = await tx.games.known((session.game_id,))
                record = await tx.sessions.close(session.end(now, EndReason.TIMEOUT))
                name = games[session.game_id].name if session.game_id in games else None
                tx.record(*record.events(now=now, game_name=name))
        # Only now, for what was just ended is to stay so.
        raise _refusal(record)


def _contact(session: Session, command: RecordHeartbeat, now: datetime) -> None:
    session.contact(now, idle_seconds=command.idle_seconds, suspended_seconds=command.suspended_seconds)


def _refusal(record: SessionRecord) -> SessionEnded:
    session = record.session
    return SessionEnded(
        session_id=session.id,
        reason=session.reason,
        end_time=session.end_time,
        duration_seconds=session.duration_seconds,
        afk_seconds=session.afk_seconds,
        suspended_seconds=session.suspended_seconds,
        total_playtime_seconds=record.total_playtime_seconds,
    )
