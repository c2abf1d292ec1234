"""Events of Download from their bytes to the devices of a game, at once or by a job."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from builders import game_id, user_id
from unit.consumers.house import EVENT_ID, LATER_EVENT_ID, House, purchase

from library_adapters.kafka import Outcome, Poison
from library_consumers.events.download import deferred
from library_domain.catalog.model import Platform
from library_domain.library.model import DownloadReport, InstallationStatus
from library_domain.library.use_cases.defer_installation import RECORD_INSTALLATION

ALICE, PORTAL = user_id("alice"), game_id("Portal 2")
TOLD_AT = datetime(2026, 11, 23, 11, 59, 58, 123456, tzinfo=UTC)
INSTALLED, UNINSTALLED, PROGRESS = (
    "download.game.installed",
    "download.game.uninstalled",
    "download.game.progress",
)


def told(**changed: Any) -> dict[str, Any]:
    return {"user_id": str(ALICE), "game_id": str(PORTAL), "device_id": "desk"} | changed


@pytest.mark.parametrize(
    ("event_type", "data", "status"),
    [
        (INSTALLED, told(), InstallationStatus.INSTALLED),
        (UNINSTALLED, told(), InstallationStatus.NOT_INSTALLED),
        (PROGRESS, told(), InstallationStatus.INSTALLING),
        (PROGRESS, told(status="updating"), InstallationStatus.UPDATING),
        (PROGRESS, told(status="failed"), InstallationStatus.FAILED),
    ],
)
async def test_each_event_says_how_far_the_game_is(
    house: House, event_type: str, data: dict[str, Any], status: InstallationStatus
) -> None:
    await house.take(purchase())

    assert await house.told(event_type, data) is Outcome.PROCESSED

    (device,) = house.store.installations[ALICE, PORTAL].devices.values()
    assert (device.device_id, device.status, device.event_at) == ("desk", status, TOLD_AT)
    assert house.store.jobs == {}


async def test_these_events_leave_no_row_in_the_inbox(house: House) -> None:
    await house.take(purchase(event_id=LATER_EVENT_ID))

    await house.told(PROGRESS, told())

    assert house.store.inbox == {(ALICE, "library", UUID(LATER_EVENT_ID))}


async def test_everything_that_is_told_reaches_the_use_case(house: House) -> None:
    commands: list[Any] = []

    async def record(command: Any) -> Any:
        commands.append(command)
        return await house.record_installation(command)

    data = told(
        platform="linux",
        status="failed",
        failed_reason="disk_full",
        install_path="/games/portal",
        version="1.1",
        size_installed=1,
        size_total=2**40,
        size_downloaded=2,
        download_speed=3,
        progress=12.5,
        estimated_completion="2026-11-23T15:00:00+03:00",
    )
    house.door = house.door_with(record_installation=record)
    await house.told(PROGRESS, data)

    (command,) = commands
    assert command.report == DownloadReport(
        status=InstallationStatus.FAILED,
        event_time=TOLD_AT,
        event_id=UUID(EVENT_ID),
        device_id="desk",
        platform=Platform.LINUX,
        failed_reason="disk_full",
        install_path="/games/portal",
        version="1.1",
        size_installed=1,
        size_total=2**40,
        size_downloaded=2,
        download_speed=3,
        progress=12.5,
        estimated_completion=datetime(2026, 11, 23, 12, tzinfo=UTC),
    )


async def test_a_device_without_a_name_is_one_device(house: House) -> None:
    await house.take(purchase())

    await house.told(INSTALLED, told(device_id=None))

    assert [*house.store.installations[ALICE, PORTAL].devices] == [""]


@pytest.mark.parametrize("event_type", [INSTALLED, UNINSTALLED, PROGRESS])
async def test_before_the_purchase_it_is_left_to_a_job_that_does_the_same(
    house: House, event_type: str
) -> None:
    assert await house.told(event_type, told(platform="linux")) is Outcome.PROCESSED

    ((key, job),) = house.store.jobs.items()
    what = "progress" if event_type == PROGRESS else "files"
    assert key == (RECORD_INSTALLATION, f"{ALICE}:{PORTAL}:{what}:desk")
    assert job.payload is not None
    assert (job.payload.event_time, job.payload.event_id) == (TOLD_AT, UUID(EVENT_ID))
    later = deferred(job.payload.data, now=house.clock.now())
    await house.take(purchase())
    await house.record_installation(later)
    by_job = house.store.installations[ALICE, PORTAL].devices

    at_once = House()
    await at_once.take(purchase())
    await at_once.told(event_type, told(platform="linux"))
    assert by_job == at_once.store.installations[ALICE, PORTAL].devices


async def test_what_we_do_not_use_does_not_wait_with_it(house: House) -> None:
    """A message may have a megabyte of members that we do not know; nobody has to keep that for each device."""
    await house.told(PROGRESS, told(status="updating", unknown="x" * 100_000))

    (job,) = house.store.jobs.values()
    assert job.payload is not None
    assert len(job.payload.data) < 1_000
    waiting = deferred(job.payload.data, now=house.clock.now())
    assert (waiting.report.device_id, waiting.report.status) == ("desk", InstallationStatus.UPDATING)


async def test_of_two_that_wait_the_newer_stays_whichever_comes_first(house: House) -> None:
    await house.told(INSTALLED, told(), event_id=LATER_EVENT_ID, timestamp="2026-11-23T11:00:00Z")
    await house.told(UNINSTALLED, told(), timestamp="2026-11-23T10:00:00Z")

    (job,) = house.store.jobs.values()
    assert job.payload is not None
    assert job.payload.event_id == UUID(LATER_EVENT_ID)


@pytest.mark.parametrize(
    "changed",
    [
        {"progress": 100.1},
        {"progress": -1},
        {"status": "installed"},
        {"platform": "toaster"},
        {"device_id": ""},
        {"size_total": 2**63},
        {"install_path": "C:/a\x00b"},
        {"estimated_completion": "1999-01-01T00:00:00Z"},
    ],
)
async def test_what_no_progress_can_be_is_poison(house: House, changed: dict[str, Any]) -> None:
    with pytest.raises(Poison) as poison:
        await house.told(PROGRESS, told(**changed))

    assert poison.value.reason == "invalid_data"
    assert house.store.jobs == {}


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_reports_and_their_purchase_end_in_one_state_in_any_order(order: tuple[int, ...]) -> None:
    """Progress that waits for the purchase does not push out what lies on the device, nor the other way round."""

    async def after(turns: Iterable[int]) -> object:
        house = House()
        reports = (
            (INSTALLED, told(platform="linux", install_path="/games"), "2026-11-23T09:00:00Z"),
            (PROGRESS, told(status="installing"), "2026-11-23T10:00:00Z"),
            (PROGRESS, told(status="updating"), "2026-11-23T11:00:00Z"),
        )
        for turn in turns:
            if turn == len(reports):
                await house.take(purchase())
                continue
            event_type, data, timestamp = reports[turn]
            event_id = UUID(int=UUID(EVENT_ID).int + turn)
            await house.told(event_type, data, event_id=str(event_id), timestamp=timestamp)
        for job in house.store.jobs.values():
            assert job.payload is not None
            await house.record_installation(deferred(job.payload.data, now=house.clock.now()))
        return house.store.installations[ALICE, PORTAL].devices

    assert await after(order) == await after((3, 0, 1, 2))
