"""What devices have of a game, over REST: in the item, in pages, filters and sorts (contract 2, details 1.3 and 1.23)."""

import httpx2
import pytest
from builders import a_dlc, a_game, a_report, game_id, user_id
from component.api.door import LIBRARY, World, bearer, data

from library_domain.catalog.model import Platform
from library_domain.library.model import DownloadReport, InstallationStatus
from library_domain.library.use_cases.record_installation import RecordInstallation, RecordInstallationHandler

INSTALLING, INSTALLED, UPDATING, FAILED = (
    InstallationStatus.INSTALLING,
    InstallationStatus.INSTALLED,
    InstallationStatus.UPDATING,
    InstallationStatus.FAILED,
)


async def report(world: World, name: str, *reports: DownloadReport) -> None:
    record = RecordInstallationHandler(uow=world.uow, clock=world.clock)
    for each in reports:
        result = await record(
            RecordInstallation(user_id=user_id("alice"), game_id=game_id(name), report=each)
        )
        assert result.recorded


async def test_an_item_shows_its_devices(world: World, client: httpx2.AsyncClient) -> None:
    world.own(a_game("Portal 2"))
    phone = a_report(INSTALLING, minute=1, device_id="phone", platform=Platform.ANDROID)
    await report(world, "Portal 2", a_report(INSTALLED, version="3.0"), phone)

    item = data(await client.get(f"{LIBRARY}/{game_id('Portal 2')}", headers=bearer()))

    assert item["devices"] == [
        {
            "device_id": "desktop",
            "platform": "windows",
            "status": "installed",
            "failed_reason": None,
            "install_path": "C:/Games/Portal 2",
            "installed_version": "3.0",
            "size_installed": 12_000,
            "size_total": 12_000,
            "installed_at": "2026-11-23T12:00:00Z",
        },
        {
            "device_id": "phone",
            "platform": "android",
            "status": "installing",
            "failed_reason": None,
            "install_path": None,
            "installed_version": None,
            "size_installed": None,
            "size_total": None,
            "installed_at": None,
        },
    ]
    assert (item["installation_status"], item["installed"], item["platform"]) == (
        "installed",
        True,
        "windows",
    )
    assert (item["install_path"], item["version"], item["size_installed"]) == (
        "C:/Games/Portal 2",
        "3.0",
        12_000,
    )


async def test_a_page_shows_the_best_device_and_that_of_each_dlc(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.own(a_game("Portal 2"))
    world.own(a_dlc("Art book", of="Portal 2"))
    await report(
        world, "Portal 2", a_report(UPDATING, platform=Platform.LINUX), a_report(FAILED, device_id="b")
    )
    await report(world, "Art book", a_report(INSTALLED))

    (item,) = data(await client.get(LIBRARY, headers=bearer()))["items"]

    assert (item["installation_status"], item["installed"], item["platform"]) == ("updating", True, "linux")
    assert [(part["installed"], part["size_installed"]) for part in item["dlc"]] == [(True, 12_000)]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("filter=installed", ["Braid", "Portal"]),
        ("filter=not_installed", ["Doom", "Quake"]),
        ("installation_status=updating", ["Braid"]),
        ("installation_status=failed&installation_status=installed", ["Portal", "Quake"]),
        ("collection=installed", ["Braid", "Portal"]),
        ("sort=installation_status", ["Quake", "Portal", "Doom", "Braid"]),
        ("sort=-installation_status", ["Braid", "Doom", "Portal", "Quake"]),
    ],
)
async def test_lists_choose_and_sort_by_the_status(
    world: World, client: httpx2.AsyncClient, query: str, names: list[str]
) -> None:
    statuses = {"Portal": INSTALLED, "Braid": UPDATING, "Quake": FAILED, "Doom": None}
    for name, status in statuses.items():
        world.own(a_game(name))
        if status is not None:
            await report(world, name, a_report(status))

    page = data(await client.get(f"{LIBRARY}?{query}", headers=bearer()))

    assert [item["name"] for item in page["items"]] == names


async def test_an_answer_is_another_after_a_change_and_the_same_after_mere_progress(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.own(a_game("Portal 2"))
    path = f"{LIBRARY}/{game_id('Portal 2')}"

    tags = []
    for each in (
        a_report(INSTALLING),
        a_report(INSTALLING, minute=1, progress=50.0),
        a_report(INSTALLED, minute=2),
    ):
        await report(world, "Portal 2", each)
        tags.append((await client.get(path, headers=bearer())).headers["ETag"])

    assert tags[0] == tags[1] != tags[2]
