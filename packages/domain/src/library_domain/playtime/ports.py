"""What the playtime slice needs from outside."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from library_domain.catalog.ports import GameReader
from library_domain.playtime.model import EndedSession, Ledger, Session, SessionId, SessionRecord, Sums
from library_domain.shared.events import DomainEvent
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.ports import Recorder, UnitOfWork


class SessionRepository(Protocol):
    """A user's sessions. A session that is found is locked, as the last thing that is locked (data 9).

    The user's mutex must be held by whoever opens or closes one; a heartbeat takes only its row.
    """

    async def running(self, user_id: UserId, session_id: SessionId) -> Session | None:
        """Return the running session, locked; None if there is none of this id, or the user is erased."""
        ...

    async def running_game(self, user_id: UserId, game_id: GameId) -> Session | None:
        """Return the user's running session of the game, locked; None if it is not played."""
        ...

    async def all_running(self, user_id: UserId) -> Sequence[Session]:
        """Return every running session of the user, locked in the order of their ids."""
        ...

    async def ended(self, user_id: UserId, session_id: SessionId) -> SessionRecord | None:
        """Return the record of the ended session; None if there is none of this id."""
        ...

    async def open(self, session: Session) -> None:
        """Begin the session and take its copy, stamped with the user's next revision.

        Raises GameInUse when another session holds the copy, SessionAlreadyActive when the user plays the game already.
        """
        ...

    async def keep(self, session: Session) -> None:
        """Write what a sign of life changed; nothing else is written, and no revision rises (data 12)."""
        ...

    async def close(self, session: EndedSession) -> SessionRecord:
        """End the session: by deleting its row, and only then its time is added to the sums (data 7).

        The record, the daily and monthly sums and the item's are stamped with the user's next revision. The row was
        locked by whoever found it, so it is there.
        """
        ...

    async def platform_of(self, user_id: UserId, device_id: str) -> str | None:
        """Return the platform that the device was last known to have (details 2.2); None if it is not known."""
        ...


class PlaytimeTransaction(Recorder, Protocol):
    """The part of a transaction that this slice needs."""

    @property
    def sessions(self) -> SessionRepository:
        """Running sessions and records."""
        ...

    @property
    def games(self) -> GameReader:
        """Names."""
        ...


class PlaytimeUnitOfWork(UnitOfWork[PlaytimeTransaction], Protocol):
    """Transactions, also such as somebody else may be faster with."""

    def begin_if_free(self, user_id: UserId) -> AbstractAsyncContextManager[PlaytimeTransaction | None]:
        """Open a transaction that holds the user's mutex, if nobody holds it; None if somebody does (data 9).

        Raises UserErased for an erased user and DependencyUnavailable when the database does not answer in time.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSession:
    """Whose session was found; also the place to go on from."""

    user_id: UserId
    session_id: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSessions:
    """How many sessions run; `over` are those that nobody has ended yet, though by their own rules they are over."""

    active: int
    afk: int
    over: int


class StaleSessions(Protocol):
    """Running sessions of all users.

    Both methods raise DependencyUnavailable when the database does not answer in time.
    """

    async def find(
        self, *, now: datetime, after: FoundSession | None, before: UserId | None, limit: int
    ) -> Sequence[FoundSession]:
        """Return up to `limit` sessions beyond `after` that seem to be over, in the order of their keys.

        With `before` only those of users whose id is less. Nothing is locked (data 27), so each is to be looked at again;
        none that is over is left out.
        """
        ...

    async def count(self, *, now: datetime) -> RunningSessions:
        """Return how many there are, by going through all of them."""
        ...


class Ledgers(Protocol):
    """Whole users' playtime, to be compared with what it is made of. Nothing is locked, nothing written."""

    async def of(self, user_id: UserId) -> Ledger:
        """Return the user's playtime as it was at one moment.

        Raises DependencyUnavailable when the database does not answer in time.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSession:
    """A running session, and a sign by which a later write tells whether it still is as it was seen."""

    session: Session
    sign: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenUser:
    """A user as they were seen: any change of theirs but a heartbeat raises the revision."""

    revision: int
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEnd:
    """What the end of a session is decided on."""

    user: SeenUser
    running: SeenSession
    game_name: str | None
    sums: Sums
    """As they are without the session."""


class QuickSessions(Protocol):
    """Sessions over the shared connections, many users' at once (data 31). A refused write is no failure.

    What is read was true a moment ago. What is written counts only if that still is so, and is then as if it had been one
    transaction with the read: else nothing is written, and the ordinary way is to be gone. Whoever is in a transaction
    already is told nothing, and refused.

    Raises DependencyUnavailable when the database does not answer in time.
    """

    async def running(self, user_id: UserId, session_id: SessionId) -> SeenSession | None:
        """Return the running session; nothing is locked. None if the user is erased."""
        ...

    async def keep(self, session: Session, *, seen: SeenSession) -> bool:
        """Write what a sign of life changed; tell whether it is there, durably."""
        ...

    async def before_end(self, user_id: UserId, session_id: SessionId) -> SeenEnd | None:
        """Return what the end of the running session is decided on."""
        ...

    async def close(self, record: SessionRecord, events: Sequence[DomainEvent], *, seen: SeenEnd) -> bool:
        """Write the end, the sums and the events; tell whether they are there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A right to play, found: whose copy it is, and the player's entry that it is played under."""

    owner_id: UserId
    library_item_id: UUID
