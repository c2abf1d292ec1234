"""End the sessions of games whose last right ended while they were played (details 3.8)."""

from dataclasses import dataclass
from typing import Protocol

from library_domain.catalog.ports import GameReader
from library_domain.library.ports import LibraryRepository
from library_domain.playtime.model import EndReason
from library_domain.playtime.ports import SessionRepository
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.ports import Recorder, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class EndWithdrawnSessions:
    """The user lost access to some game a moment ago."""

    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class EndWithdrawnSessionsResult:
    """The games whose sessions were ended."""

    ended: tuple[GameId, ...]


class EndWithdrawnSessionsTransaction(Recorder, Protocol):
    """The part of a transaction that this flow needs."""

    @property
    def library(self) -> LibraryRepository:
        """Entries and rights."""
        ...

    @property
    def sessions(self) -> SessionRepository:
        """Running sessions and records."""
        ...

    @property
    def games(self) -> GameReader:
        """Names."""
        ...


class EndWithdrawnSessionsHandler:
    """End each running session of a game that the user has no right to any more; one with another right goes on.

    None escapes: a start checks the rights under the user's mutex, so it is either refused, or its session is found here.
    """

    def __init__(self, *, uow: UnitOfWork[EndWithdrawnSessionsTransaction], clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def __call__(self, command: EndWithdrawnSessions) -> EndWithdrawnSessionsResult:
        now = self._clock.now()
        async with self._uow.begin(command.user_id) as tx:
            running = await tx.sessions.all_running(command.user_id)
            played = tuple(session.game_id for session in running)
            entries = await tx.library.entries(command.user_id, played)
            withdrawn = [
                session
                for session in running
                if session.game_id not in entries or not entries[session.game_id].has_access(now)
            ]
            games = await tx.games.known(tuple(session.game_id for session in withdrawn))
            for session in withdrawn:
                record = await tx.sessions.close(session.end(now, EndReason.ACCESS_REVOKED))
                name = games[session.game_id].name if session.game_id in games else None
                tx.record(*record.events(now=now, game_name=name))
        return EndWithdrawnSessionsResult(ended=tuple(session.game_id for session in withdrawn))
