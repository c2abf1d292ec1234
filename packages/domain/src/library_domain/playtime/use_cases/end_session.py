"""End a session (contract 4.2; spec flow 2)."""

from dataclasses import dataclass
from datetime import datetime

from library_domain.playtime.errors import SessionNotFound
from library_domain.playtime.model import EndReason, SessionId, SessionRecord
from library_domain.playtime.ports import PlaytimeUnitOfWork, QuickSessions
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSession:
    """The player stopped playing. `game_id` is the game that the session must be of, if the caller named one."""

    user_id: UserId
    session_id: SessionId
    game_id: GameId | None = None


class EndSessionHandler:
    """End the session now, or as its own rules ended it; ending an ended one answers the same again.

    Client, sweeper, takeover and withdrawal race for the session's row: whoever deletes it owns the end. `quick` is tried
    first, if there is one; what it refuses is done in an ordinary transaction.

    Raises SessionNotFound, also for another's session.
    """

    def __init__(self, *, uow: PlaytimeUnitOfWork, clock: Clock, quick: QuickSessions | None = None) -> None:
        self._uow = uow
        self._clock = clock
        self._quick = quick

    async def __call__(self, command: EndSession) -> SessionRecord:
        now = self._clock.now()
        return await self._quickly(command, now) or await self._ordinarily(command, now)

    async def _quickly(self, command: EndSession, now: datetime) -> SessionRecord | None:
        if self._quick is None:
            return None
        seen = await self._quick.before_end(command.user_id, command.session_id)
        if seen is None or command.game_id not in (None, seen.running.session.game_id):
            return None
        ended = seen.running.session.end(now, EndReason.CLIENT)
        record = SessionRecord.of(ended, seen.sums.plus(ended))
        events = tuple(record.events(now=now, game_name=seen.game_name))
        return record if await self._quick.close(record, events, seen=seen) else None

    async def _ordinarily(self, command: EndSession, now: datetime) -> SessionRecord:
        async with self._uow.begin(command.user_id) as tx:
            session = await tx.sessions.running(command.user_id, command.session_id)
            if session is None:
                record = await tx.sessions.ended(command.user_id, command.session_id)
                if record is None or command.game_id not in (None, record.session.game_id):
                    raise SessionNotFound(session_id=command.session_id)
                return record
            if command.game_id not in (None, session.game_id):
                raise SessionNotFound(session_id=command.session_id)
            games = await tx.games.known((session.game_id,))
            record = await tx.sessions.close(session.end(now, EndReason.CLIENT))
            name = games[session.game_id].name if session.game_id in games else None
            tx.record(*record.events(now=now, game_name=name))
            return record
