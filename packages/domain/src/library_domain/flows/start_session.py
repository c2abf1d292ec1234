"""Begin to play: the right to play, the copy, and the session (contract 4.2; spec flow 2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from library_domain.catalog.model import Platform, ProductType
from library_domain.catalog.ports import GameReader
from library_domain.library.errors import AccessDenied, GameNotFound
from library_domain.library.model import decide_access
from library_domain.library.ports import LibraryRepository
from library_domain.playtime.errors import SessionAlreadyActive
from library_domain.playtime.model import EndReason, Session, SessionId, whole_second
from library_domain.playtime.ports import Licence, SessionRepository
from library_domain.shared.clock import Clock
from library_domain.shared.errors import ValidationFailed
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


class StartSessionHandler:
    """Take the copy and begin a session, unless the player plays the game already.

    On the same device the running session goes on: the client crashed, or did not hear the first answer. On another it is
    refused, or taken over. A session that is over by its own rules is ended here, so that a stopped sweeper blocks nobody.

    Raises GameNotFound for a game that the user never had, AccessDenied for one that may not be played, SessionAlreadyActive
    and GameInUse, and ValidationFailed for a DLC, which is played in its game.
    """

    def __init__(self, *, uow: StartSessionUnitOfWork, clock: Clock, ids: IdSource) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: StartSession) -> StartSessionResult:
        now = self._clock.now()
        async with self._uow.begin(command.user_id) as tx:
            licence = await licence_to(tx.library, command.user_id, command.game_id, now)
            games = await tx.games.known((command.game_id,))
            name = games[command.game_id].name if command.game_id in games else None

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
            if running is not None:
                record = await tx.sessions.close(running.end(now, EndReason.TAKEN_OVER))
                tx.record(*record.events(now=now, game_name=name))

            platform: str | None = command.platform
            if platform is None:
                platform = await tx.sessions.platform_of(command.user_id, command.device_id)
            session = Session.start(
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
            await tx.sessions.open(session)
            tx.record(session.started(now=now, game_name=name))
            return StartSessionResult(session=session, resumed=False)


async def licence_to(library: LibraryRepository, user_id: UserId, game_id: GameId, now: datetime) -> Licence:
    """Find the right by which this user plays this game now: the one place that sharing will join.

    Raises GameNotFound, AccessDenied and ValidationFailed as StartSessionHandler does.
    """
    entries = await library.entries(user_id, (game_id,))
    if game_id not in entries:
        raise GameNotFound(game_id=game_id)
    entry = entries[game_id]
    if entry.product_type is ProductType.DLC:
        raise ValidationFailed(field="game_id", reason="dlc")
    verdict = decide_access(entry.grants, now=now)
    if not verdict.allowed:
        raise AccessDenied(game_id=game_id, reason=verdict.reason)
    return Licence(owner_id=verdict.owner_id or user_id, library_item_id=entry.id)
