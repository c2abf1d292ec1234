"""Follow what Download reports of a game on one of the user's devices (contract 4.1, data 4)."""

from dataclasses import dataclass

from library_domain.library.model import DownloadReport
from library_domain.library.ports import LibraryUnitOfWork
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordInstallation:
    """A report on a game of this user."""

    user_id: UserId
    game_id: GameId
    report: DownloadReport


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordInstallationResult:
    """What became of it."""

    recorded: bool
    """False: the game is not in the library yet; the purchase may be late (details 3.1)."""
    changed: bool
    """Whether anybody can see a difference."""


class RecordInstallationHandler:
    """Take over the report unless newer ones have said it all: in any order and number they end in one state.

    So it needs no claim of the event, and progress that changes no status leaves no trace but its time (data 12).
    """

    def __init__(self, *, uow: LibraryUnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def __call__(self, command: RecordInstallation) -> RecordInstallationResult:
        async with self._uow.begin(command.user_id) as tx:
            installations = await tx.installations.of(command.user_id, command.game_id)
            if installations is None:
                return RecordInstallationResult(recorded=False, changed=False)
            game = (await tx.games.known((command.game_id,))).get(command.game_id)
            installations.record(command.report, now=self._clock.now(), game_name=game.name if game else None)
            events = tuple(installations.events)
            await tx.installations.save(installations)
            tx.record(*events)
        return RecordInstallationResult(recorded=True, changed=bool(events))
