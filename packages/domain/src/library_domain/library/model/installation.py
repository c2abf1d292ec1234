"""What the user's devices have of a game, told by download events in any order (data 4, contract 4.1)."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from library_domain.catalog.model import Platform
from library_domain.library.errors import LimitReached
from library_domain.library.events import GameUpdated, InstallStatusChanged
from library_domain.shared.events import DomainEvent
from library_domain.shared.ids import GameId, UserId


class InstallationStatus(StrEnum):
    """How far a game is on a device, or on the best of the user's devices (contract 1)."""

    NOT_INSTALLED = "not_installed"
    INSTALLING = "installing"
    INSTALLED = "installed"
    UPDATING = "updating"
    FAILED = "failed"


PLAYABLE = frozenset({InstallationStatus.INSTALLED, InstallationStatus.UPDATING})
"""What `installed` means (details 1.23)."""

MAX_DEVICES_PER_GAME = 100
"""How many devices may ever report on one user's game: each report reads them all."""

_SETTLED = frozenset({InstallationStatus.INSTALLED, InstallationStatus.NOT_INSTALLED})
"""What tells what lies on the device; progress only tells what goes on there."""

_BEST_FIRST = (
    InstallationStatus.INSTALLED,
    InstallationStatus.UPDATING,
    InstallationStatus.INSTALLING,
    InstallationStatus.FAILED,
    InstallationStatus.NOT_INSTALLED,
)
_RANK = {status: rank for rank, status in enumerate(_BEST_FIRST)}
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadReport:
    """What one event of Download says of one device. Sizes are bytes, the speed bytes per second, `progress` percent."""

    status: InstallationStatus
    event_time: datetime
    event_id: UUID
    device_id: str = ""
    """Empty when the event names none."""
    platform: Platform | None = None
    failed_reason: str | None = None
    install_path: str | None = None
    version: str | None = None
    size_installed: int | None = None
    size_total: int | None = None
    size_downloaded: int | None = None
    download_speed: int | None = None
    progress: float | None = None
    estimated_completion: datetime | None = None

    @property
    def guard(self) -> tuple[datetime, UUID]:
        """What decides which of two reports is newer (details 3.1)."""
        return self.event_time, self.event_id

    @property
    def tells_files(self) -> bool:
        """Whether it says what lies on the device, and not only what goes on there."""
        return self.status in _SETTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What lies on a device, as the newest `installed` or `uninstalled` told it. Sizes are bytes."""

    are_there: bool
    told_at: datetime
    told_by: UUID
    platform: Platform | None = None
    install_path: str | None = None
    installed_version: str | None = None
    size_installed: int | None = None
    size_total: int | None = None

    @classmethod
    def told(cls, report: DownloadReport) -> "Files":
        """Return what a settled report says: everything, or that nothing is there any more."""
        if report.status is InstallationStatus.NOT_INSTALLED:
            return cls(are_there=False, told_at=report.event_time, told_by=report.event_id)
        return cls(
            are_there=True,
            told_at=report.event_time,
            told_by=report.event_id,
            platform=report.platform,
            install_path=report.install_path,
            installed_version=report.version,
            size_installed=report.size_installed,
            size_total=report.size_total,
        )

    @property
    def guard(self) -> tuple[datetime, UUID]:
        """Which report told it."""
        return self.told_at, self.told_by


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInstallation:
    """One device: its status from the newest report of all, its files from the newest settled one.

    Two registers, each of which the newest report wins, so that the order of arrival does not show. Were a report of
    progress to speak for the files too, what is seen would have to change with each of them.
    """

    device_id: str
    status: InstallationStatus
    event_at: datetime
    event_id: UUID
    reported_platform: Platform | None = None
    failed_reason: str | None = None
    files: Files | None = None

    @classmethod
    def first(cls, report: DownloadReport) -> "DeviceInstallation":
        """Make the device that this is the first report of."""
        return cls(
            device_id=report.device_id,
            status=report.status,
            event_at=report.event_time,
            event_id=report.event_id,
            reported_platform=report.platform,
            failed_reason=report.failed_reason,
            files=Files.told(report) if report.tells_files else None,
        )

    def after(self, report: DownloadReport) -> "DeviceInstallation":
        """Return the device as this report leaves it; an older one may still tell what lies there."""
        told = self
        if report.guard > (self.event_at, self.event_id):
            told = replace(DeviceInstallation.first(report), files=self.files)
        if report.tells_files and (self.files is None or report.guard > self.files.guard):
            told = replace(told, files=Files.told(report))
        return told

    @property
    def platform(self) -> Platform | None:
        """What it runs on: what the newest report says, else what was installed."""
        return self.reported_platform or (self.files.platform if self.files else None)

    @property
    def is_shown(self) -> bool:
        """Whether the game is or was about to be on the device."""
        return self.status is not InstallationStatus.NOT_INSTALLED

    @property
    def installed_at(self) -> datetime | None:
        """Since when these files are there."""
        return self.files.told_at if self.files and self.files.are_there else None

    def shown(self) -> dict[str, object]:
        """Return what an item shows of the device, by the item's names."""
        if not self.is_shown:
            return {}
        return {
            "status": self.status,
            "platform": self.platform,
            "failed_reason": self.failed_reason,
            "install_path": self.files.install_path if self.files else None,
            "version": self.files.installed_version if self.files else None,
            "size_installed": self.files.size_installed if self.files else None,
            "size_total": self.files.size_total if self.files else None,
            "installed_at": self.installed_at,
        }


_ITEM_MEMBERS = ("platform", "size_installed", "install_path", "version")
"""What the item itself shows of its best device."""


@dataclass(slots=True, kw_only=True)
class GameInstallations:
    """All devices of one user's game, and what the library item shows of them."""

    user_id: UserId
    game_id: GameId
    devices: dict[str, DeviceInstallation] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    """Devices to be written."""
    changed: set[str] = field(default_factory=set)
    """Those of them that are seen to be different; of the others a newer report said the same (no revision)."""
    events: list[DomainEvent] = field(default_factory=list)

    @property
    def best(self) -> DeviceInstallation | None:
        """The device that the item shows: the best status, of equals the newest files."""
        shown = (each for _, each in sorted(self.devices.items()) if each.is_shown)
        return max(shown, key=lambda each: (-_RANK[each.status], each.installed_at or _NEVER), default=None)

    @property
    def status(self) -> InstallationStatus:
        """The status of the best device."""
        return self.best.status if self.best else InstallationStatus.NOT_INSTALLED

    def record(self, report: DownloadReport, *, now: datetime, game_name: str | None) -> None:
        """Take over what a report says, unless newer ones have said it all.

        A change of a device's status is announced; other changes of what is shown are an update of the item. Progress
        that changes neither is no event: it only makes sure that no older report wins over it later (data 12).

        Raises LimitReached for one device more than 100.
        """
        known = self.devices.get(report.device_id)
        if known is None and len(self.devices) >= MAX_DEVICES_PER_GAME:
            raise LimitReached(limit="devices_of_game", maximum=MAX_DEVICES_PER_GAME)
        told = DeviceInstallation.first(report) if known is None else known.after(report)
        if told == known:
            return
        best = self.best
        self.devices[report.device_id] = told
        self.touched.add(report.device_id)
        previous = known.status if known else InstallationStatus.NOT_INSTALLED
        if told.shown() == (known.shown() if known else {}):
            return
        self.changed.add(report.device_id)
        if told.status is not previous:
            self.events.append(self._status_changed(report, previous, now=now, game_name=game_name))
            return
        self.events.append(
            GameUpdated(
                user_id=self.user_id,
                game_id=self.game_id,
                occurred_at=now,
                game_name=game_name,
                changes=(*_differing(best, self.best), "devices"),
            )
        )

    def _status_changed(
        self, report: DownloadReport, previous: InstallationStatus, *, now: datetime, game_name: str | None
    ) -> InstallStatusChanged:
        return InstallStatusChanged(
            user_id=self.user_id,
            game_id=self.game_id,
            occurred_at=now,
            game_name=game_name,
            device_id=report.device_id,
            platform=report.platform,
            previous_status=previous,
            current_status=report.status,
            failed_reason=report.failed_reason,
            progress=report.progress,
            estimated_completion=report.estimated_completion,
            install_path=report.install_path,
            version=report.version,
            size_installed=report.size_installed,
            size_total=report.size_total,
            size_downloaded=report.size_downloaded,
            download_speed=report.download_speed,
        )


def _differing(before: DeviceInstallation | None, after: DeviceInstallation | None) -> tuple[str, ...]:
    was, is_now = (each.shown() if each else {} for each in (before, after))
    return tuple(name for name in _ITEM_MEMBERS if was.get(name) != is_now.get(name))
