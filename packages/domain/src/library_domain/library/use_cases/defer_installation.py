"""Keep what Download reports of a game that is not in the library yet; its purchase may be late (details 3.1)."""

from dataclasses import dataclass

from library_domain.library.ports import LibraryUnitOfWork
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.ports import JobPayload

RECORD_INSTALLATION = "library.record_installation"
"""The job that records the report once the game is there; its key is `{user_id}:{game_id}:{what}:{device_id}`.

What is `files` or `progress`: newer progress must not push out what lies on the device (ADR 0026).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferInstallation:
    """A report on one device, in whatever form its door will read it again; of two of a sort the newer is kept."""

    user_id: UserId
    game_id: GameId
    device_id: str
    tells_files: bool
    report: JobPayload


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferInstallationResult:
    """Nothing to tell."""


class DeferInstallationHandler:
    """Ask for a job: neither this user's other events nor anybody else's wait for the purchase."""

    def __init__(self, *, uow: LibraryUnitOfWork) -> None:
        self._uow = uow

    async def __call__(self, command: DeferInstallation) -> DeferInstallationResult:
        what = "files" if command.tells_files else "progress"
        key = f"{command.user_id}:{command.game_id}:{what}:{command.device_id}"
        async with self._uow.begin() as tx:
            await tx.jobs.enqueue(RECORD_INSTALLATION, [key], payload=command.report)
        return DeferInstallationResult()
