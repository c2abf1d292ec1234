"""What the devices have of a user's games, in PostgreSQL."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.statements import statements
from library_domain.catalog.model import Platform
from library_domain.library.model import DeviceInstallation, Files, GameInstallations, InstallationStatus
from library_domain.shared.ids import GameId, UserId

_SQL = statements("installations")


class PostgresInstallations:
    """Implements library_domain.library.ports.InstallationRepository on an open transaction.

    No row is locked: the user's mutex is held, and nothing writes a user's rows without it.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        next_revision: Callable[[UserId], int],
        now: Callable[[], datetime],
    ) -> None:
        self._connection = connection
        self._next_revision = next_revision
        self._now = now

    async def of(self, user_id: UserId, game_id: GameId) -> GameInstallations | None:
        """See the port."""
        key = {"user_id": user_id, "game_id": game_id}
        async with self._connection.pipeline():
            entry = await self._connection.execute(_SQL["is_in_library"], key)
            devices = await self._connection.execute(_SQL["devices"], key)
            if await entry.fetchone() is None:
                return None
            return GameInstallations(
                user_id=user_id,
                game_id=game_id,
                devices={row["device_id"]: to_device(row) async for row in devices},
            )

    async def save(self, installations: GameInstallations) -> None:
        """See the port."""
        if not installations.touched:
            return
        revision = self._next_revision(installations.user_id)
        rows = [
            _to_row(
                installations,
                installations.devices[device_id],
                is_seen=device_id in installations.changed,
                revision=revision,
            )
            for device_id in sorted(installations.touched)
        ]
        async with self._connection.pipeline(), self._connection.cursor() as cursor:
            await cursor.executemany(_SQL["put_device"], rows)
            if installations.changed:
                await cursor.execute(_SQL["show"], self._shown(installations, revision=revision))
        installations.touched.clear()
        installations.changed.clear()

    def _shown(self, installations: GameInstallations, *, revision: int) -> dict[str, Any]:
        best = installations.best
        return {
            "user_id": installations.user_id,
            "game_id": installations.game_id,
            "installation_status": installations.status,
            "install_device_id": best.device_id if best else None,
            "platform": best.platform if best else None,
            "install_event_at": best.installed_at if best else None,
            "revision": revision,
            "now": self._now(),
        }


def to_device(row: Mapping[str, Any]) -> DeviceInstallation:
    """Make the device that a row of user_installations stands for."""
    return DeviceInstallation(
        device_id=row["device_id"],
        status=InstallationStatus(row["status"]),
        event_at=row["event_at"],
        event_id=row["event_id"],
        reported_platform=_platform(row["platform"]),
        failed_reason=row["failed_reason"],
        files=None
        if row["files_are_there"] is None
        else Files(
            are_there=row["files_are_there"],
            told_at=row["files_event_at"],
            told_by=row["files_event_id"],
            platform=_platform(row["files_platform"]),
            install_path=row["install_path"],
            installed_version=row["installed_version"],
            size_installed=row["size_installed"],
            size_total=row["size_total"],
        ),
    )


def _platform(name: str | None) -> Platform | None:
    return None if name is None else Platform(name)


def _to_row(
    installations: GameInstallations, device: DeviceInstallation, *, is_seen: bool, revision: int
) -> dict[str, Any]:
    files = device.files
    return {
        "user_id": installations.user_id,
        "game_id": installations.game_id,
        "device_id": device.device_id,
        "status": device.status,
        "platform": device.reported_platform,
        "failed_reason": device.failed_reason,
        "event_at": device.event_at,
        "event_id": device.event_id,
        "files_are_there": files.are_there if files else None,
        "files_platform": files.platform if files else None,
        "install_path": files.install_path if files else None,
        "installed_version": files.installed_version if files else None,
        "size_installed": files.size_installed if files else None,
        "size_total": files.size_total if files else None,
        "files_event_at": files.told_at if files else None,
        "files_event_id": files.told_by if files else None,
        # The next one is not taken when nothing else changes: a row that nobody sees belongs to the present one.
        "revision": revision if is_seen else revision - 1,
        "is_seen": is_seen,
    }
