"""Begin to play: the right to play, the copy, and the session (contract 4.2; spec flow 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from library_domain.catalog.model import Platform, ProductType
from library_domain.catalog.ports import GameReader
from library_domain.library.errors import AccessDenied, GameNotFound
from library_domain.library.model import Right, decide_access
from library_domain.library.ports import LibraryRepository
from library_domain.playtime.errors import SessionAlreadyActive
from library_domain.playtime.model import EndReason, Session, SessionId, not_before, whole_second
from library_domain.playtime.ports import Licence, SeenUser, SessionRepository
from library_domain.shared.clock import Clock
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.events import DomainEvent
from library_domain.shared.ids import GameId, IdSource, UserId
from library_domain.shared.ports import Recorder, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSession:
    """The player began to play. `takeover` ends the session of another device first."""

    user_id: UserId
    game_id: GameId
    device_id: str
    platform: Platform | None = None
    """None: what the device was last known to have."""
    game_version: str | None = None
    client_time: datetime | None = None
    takeover: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSessionResult:
    """The running session; `resumed` if this device was playing already."""

    session: Session
    resumed: bool


class StartSessionTransaction(Recorder, Protocol):
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


StartSessionUnitOfWork = UnitOfWork[StartSessionTransaction]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenStart:
    """Everything that decides a start, read without a lock."""

    user: SeenUser
    library_item_id: UUID
    kind: ProductType
    grants: Sequence[Right]
    game_name: str | None
    last_played_at: datetime | None
    is_free: bool
    """Whether neither the user plays the game nor anybody this copy."""


class QuickStarts(Protocol):
    """Starts over the shared connections, many users' at once: see QuickSessions, whose promises hold here too."""

    async def before_start(self, user_id: UserId, game_id: GameId) -> SeenStart | None:
        """Return what decides the start; None if the user does not have the game."""
        ...

    async def open(self, session: Session, event: DomainEvent, *, seen: SeenStart) -> bool:
        """Begin the session, take the copy and write the event; return whether they are committed."""
        ...


class StartSessionHandler:
    """Take the copy and begin a session, unless the player plays the game already.

    On the same device the running session goes on: the client crashed, or did not hear the first answer. On another it is
    refused, or taken over. A session that is over by its own rules is ended here, so that a stopped sweeper blocks nobody.

    Raises GameNotFound for a game that the user never had, AccessDenied for one that may not be played, SessionAlreadyActive
    and GameInUse, and ValidationFailed for a DLC, which is played in its game.
    """

    def __init__(
        self,
        *,
        uow: StartSessionUnitOfWork,
        clock: Clock,
        ids: IdSource,
        quick: QuickStarts | None = None,
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids
        self._quick = quick

    async def __call__(self, command: StartSession) -> StartSessionResult:
        now = self._clock.now()
        return await self._quickly(command, now) or await self._ordinarily(command, now)

    async def _quickly(self, command: StartSession, now: datetime) -> StartSessionResult | None:
        """Start by `quick` if it is simple: the user's own copy, free, on a device of a named platform; else return None."""
        if self._quick is None or command.platform is None:
            return None
        seen = await self._quick.before_start(command.user_id, command.game_id)
        if seen is None or not seen.is_free:
            return None
        licence = licence_of(
            command,
            library_item_id=seen.library_item_id,
            kind=seen.kind,
            grants=seen.grants,
            now=now,
        )
        if licence.owner_id != command.user_id:
            return None
        moment = not_before(now, seen.last_played_at)
        session = self._begun(command, licence, command.platform, moment)
        event = session.started(now=now, game_name=seen.game_name)
        if not await self._quick.open(session, event, seen=seen):
            return None
        return StartSessionResult(session=session, resumed=False)

    async def _ordinarily(self, command: StartSession, now: datetime) -> StartSessionResult:
        async with self._uow.begin(command.user_id) as tx:
            entries = await tx.library.entries(command.user_id, (command.game_id,))
            if command.game_id not in entries:
                raise GameNotFound(game_id=command.game_id)
            entry = entries[command.game_id]
            game = (await tx.games.known((command.game_id,))).get(command.game_id)
            name = None if game is None else game.name
            licence = licence_of(
                command,
                library_item_id=entry.id,
                kind=entry.product_type if game is None else game.product_type,
                grants=entry.grants,
                now=now,
            )

            running = await tx.sessions.running_game(command.user_id, command.game_id)
            if running is not None and running.over(now) is None:
                if running.device_id == command.device_id:
                    running.contact(now)
                    await tx.sessions.keep(running)
                    return StartSessionResult(session=running, resumed=True)
                if not command.takeover:
                    raise SessionAlreadyActive(
                        session_id=running.id, device_id=running.device_id, start_time=running.start_time
                    )
            last_end = entry.last_played_at
            if running is not None:
                record = await tx.sessions.close(running.end(now, EndReason.TAKEN_OVER))
                tx.record(*record.events(now=now, game_name=name))
                last_end = record.session.end_time

            platform: str | None = command.platform
            if platform is None:
                platform = await tx.sessions.platform_of(command.user_id, command.device_id)
            session = self._begun(command, licence, platform, not_before(now, last_end))
            await tx.sessions.open(session)
            tx.record(session.started(now=now, game_name=name))
            return StartSessionResult(session=session, resumed=False)

    def _begun(self, command: StartSession, licence: Licence, platform: str | None, now: datetime) -> Session:
        return Session.start(
            session_id=SessionId(self._ids.new_at(whole_second(now))),
            user_id=command.user_id,
            game_id=command.game_id,
            library_item_id=licence.library_item_id,
            owner_id=licence.owner_id,
            device_id=command.device_id,
            platform=platform,
            game_version=command.game_version,
            client_time=command.client_time,
            now=now,
        )


def licence_of(
    command: StartSession, *, library_item_id: UUID, kind: ProductType, grants: Sequence[Right], now: datetime
) -> Licence:
    """Find the right by which the user plays this game now: the one place that sharing will join.

    Raises AccessDenied and ValidationFailed as StartSessionHandler does.
    """
    if kind is ProductType.DLC:
        raise ValidationFailed(field="game_id", reason="dlc")
    verdict = decide_access(grants, now=now)
    if not verdict.allowed:
        raise AccessDenied(game_id=command.game_id, reason=verdict.reason)
    return Licence(owner_id=verdict.owner_id or command.user_id, library_item_id=library_item_id)
