"""The topic `download-events` (details 3.1): what goes on on the users' devices.

These events take no row of the inbox: of all that is told of a device the newest stands, so that a redelivery changes
nothing anyway, and most of them, progress, are to leave no row behind (data 12).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from library_adapters.kafka import Outcome
from library_consumers.application import Application
from library_consumers.events.decoding import Envelope, decode_data, decode_envelope
from library_consumers.events.members import (
    Aware,
    Line,
    Size,
    Text,
    game,
    normal,
    plausible_time,
    time_to_come,
    user,
)
from library_domain.catalog.model import Platform
from library_domain.library.model import DownloadReport, InstallationStatus
from library_domain.library.use_cases.defer_installation import DeferInstallation
from library_domain.library.use_cases.record_installation import RecordInstallation
from library_domain.shared.ports import JobPayload

INSTALLED, UNINSTALLED, PROGRESS = (
    "download.game.installed",
    "download.game.uninstalled",
    "download.game.progress",
)


class ProgressStatus(StrEnum):
    """What is going on, in Download's words."""

    INSTALLING = "installing"
    UPDATING = "updating"
    FAILED = "failed"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What every event of Download may tell; sizes are bytes."""

    user_id: UUID
    game_id: UUID
    device_id: Text | None = None
    platform: Platform | None = None
    install_path: Line | None = None
    version: Text | None = None
    size_installed: Size | None = None
    size_total: Size | None = None


class GameInstalled(Told, frozen=True, kw_only=True):
    """A game, or a new version of it, is on a device and may be played."""


class GameUninstalled(Told, frozen=True, kw_only=True):
    """A game is not on a device any more."""


class GameProgress(Told, frozen=True, kw_only=True):
    """How far a download is, or that it failed. The speed is bytes per second, the progress a percentage."""

    status: ProgressStatus = ProgressStatus.INSTALLING
    failed_reason: Line | None = None
    size_downloaded: Size | None = None
    download_speed: Size | None = None
    progress: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    estimated_completion: Aware | None = None


DATA: Mapping[str, type[Told]] = {
    INSTALLED: GameInstalled,
    UNINSTALLED: GameUninstalled,
    PROGRESS: GameProgress,
}


async def reported(application: Application, envelope: Envelope, data: Told, now: datetime) -> Outcome:
    """Record what a device has; of a game that is not in the library yet, leave it to a job: no other event waits."""
    command = _record_installation(envelope, data, now)
    result = await application.record_installation(command)
    if not result.recorded:
        # Not as it came: what we do not know of it may be a megabyte, for each device that somebody names.
        known = msgspec.structs.replace(envelope, data=msgspec.Raw(msgspec.json.encode(data)))
        report = JobPayload(
            data=msgspec.json.encode(known),
            event_time=command.report.event_time,
            event_id=command.report.event_id,
        )
        await application.defer_installation(
            DeferInstallation(
                user_id=command.user_id,
                game_id=command.game_id,
                device_id=command.report.device_id,
                tells_files=command.report.tells_files,
                report=report,
            )
        )
    return Outcome.PROCESSED


def deferred(payload: bytes, *, now: datetime) -> RecordInstallation:
    """Return what `reported` left to a job."""
    envelope = decode_envelope(payload)
    return _record_installation(envelope, decode_data(envelope, DATA[envelope.event_type]), now)


def _record_installation(envelope: Envelope, data: Told, now: datetime) -> RecordInstallation:
    """Translate. Raises Poison `invalid_data`."""
    return RecordInstallation(
        user_id=user(data.user_id), game_id=game(data.game_id), report=_report(envelope, data, now)
    )


def _report(envelope: Envelope, data: Told, now: datetime) -> DownloadReport:
    device = data.device_id
    report = DownloadReport(
        status=_status(data),
        event_time=plausible_time(envelope.timestamp, member="timestamp", now=now),
        event_id=envelope.event_id,
        device_id="" if device is None else normal(device, member="data.device_id"),
        platform=data.platform,
        install_path=data.install_path,
        version=data.version,
        size_installed=data.size_installed,
        size_total=data.size_total,
    )
    if not isinstance(data, GameProgress):
        return report
    ends = data.estimated_completion
    return replace(
        report,
        failed_reason=data.failed_reason,
        size_downloaded=data.size_downloaded,
        download_speed=data.download_speed,
        progress=data.progress,
        estimated_completion=None if ends is None else time_to_come(ends, member="data.estimated_completion"),
    )


def _status(data: Told) -> InstallationStatus:
    if isinstance(data, GameProgress):
        return InstallationStatus(data.status)
    if isinstance(data, GameUninstalled):
        return InstallationStatus.NOT_INSTALLED
    return InstallationStatus.INSTALLED
