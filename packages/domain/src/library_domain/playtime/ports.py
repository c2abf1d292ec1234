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
    """A user's sessions.

    Every running session that is returned is locked until the transaction ends; its row is locked after everything else
    (data 9). Opening and closing need the user's mutex, a heartbeat only the session's row.
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
        """Delete the session's row, then add its time to the sums (data 7): whoever deletes the row owns the end.

        The record, the daily and monthly sums and the item's are stamped with the user's next revision. The caller has
        found the session running, and so holds its row; to close one that does not run is a bug of the caller.
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
    """Transactions, one kind of which is only opened if nobody holds the user's mutex."""

    def begin_if_free(self, user_id: UserId) -> AbstractAsyncContextManager[PlaytimeTransaction | None]:
        """Open a transaction that holds the user's mutex, unless somebody holds it; else give None (data 9).

        A user of whom nothing is stored has no mutex to hold: None too.

        Raises UserErased for an erased user and DependencyUnavailable when the database does not answer in time.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSession:
    """The key of a session that was found; a walk goes on behind it."""

    user_id: UserId
    session_id: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSessions:
    """How many sessions run, by status; `over` are those that are over by their own rules, but not ended yet."""

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

        With `before` only those of users whose id is less. Nothing is locked (data 27), so the caller must check each again
        under its lock; none that is over is passed over.
        """
        ...

    async def count(self, *, now: datetime) -> RunningSessions:
        """Return how many there are; this reads all of them."""
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
    """A running session as it was read without a lock."""

    session: Session
    sign: int
    """The version of its row: a later write counts only if the row still has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenUser:
    """A user as read without a lock. Every change of a user's data but a heartbeat raises the revision."""

    revision: int
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEnd:
    """Everything that decides how a session ends, read without a lock."""

    user: SeenUser
    running: SeenSession
    game_name: str | None
    sums: Sums
    """Before the session is added to them."""


class QuickSessions(Protocol):
    """Sessions over the shared connections, those of many users in one batch (data 31).

    Reads lock nothing. A write succeeds only if what was read before it is unchanged, so that both together are as safe as
    one transaction; otherwise it writes nothing and returns False, and the caller uses an ordinary transaction instead.
    Inside an open transaction reads return None.

    Raises DependencyUnavailable when the database does not answer in time.
    """

    async def running(self, user_id: UserId, session_id: SessionId) -> SeenSession | None:
        """Return the running session; None if there is none of this id, or the user is erased."""
        ...

    async def keep(self, session: Session, *, seen: SeenSession) -> bool:
        """Write what a heartbeat changed; return whether it is committed."""
        ...

    async def before_end(self, user_id: UserId, session_id: SessionId) -> SeenEnd | None:
        """Return what decides how the running session ends; None if there is none of this id, or the user is erased."""
        ...

    async def close(self, record: SessionRecord, events: Sequence[DomainEvent], *, seen: SeenEnd) -> bool:
        """Write the end, the sums and the events; return whether they are committed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A right to play, found: whose copy it is, and the player's entry that it is played under."""

    owner_id: UserId
    library_item_id: UUID
