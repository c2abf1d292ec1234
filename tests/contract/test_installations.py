"""What download events leave in the library, through the use case that records them (contract 4.1, data 4 and 12)."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from builders import NOON, a_dlc, a_game, a_purchase, a_report, event_id, game_id, user_id
from contract.libraries import ALICE, learn
from contract.worlds import World
from fakes.clock import FakeClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from library_domain.catalog.model import Platform
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.library.model import DownloadReport, InstallationStatus
from library_domain.library.queries import (
    Collection,
    Installation,
    LibraryFilter,
    LibraryItemDetail,
    LibraryQuery,
    LibrarySort,
)
from library_domain.library.use_cases.record_installation import (
    RecordInstallation,
    RecordInstallationHandler,
    RecordInstallationResult,
)
from library_domain.shared.ids import UserId

PORTAL = game_id("Portal 2")
NOT_INSTALLED, INSTALLING, INSTALLED, UPDATING, FAILED = InstallationStatus
HOUR = timedelta(hours=1)
_numbers = count(1)


@pytest.fixture
def record(world: World, clock: FakeClock) -> RecordInstallationHandler:
    return RecordInstallationHandler(uow=world.uow, clock=clock)


@pytest.fixture
async def portal(world: World, add: AddToLibraryHandler) -> None:
    """Put Portal 2 into Alice's library."""
    await learn(world, a_game("Portal 2", version="catalog's"))
    await add(a_purchase("Portal 2"))


def reported(*reports: DownloadReport, user: UserId = ALICE) -> list[RecordInstallation]:
    return [RecordInstallation(user_id=user, game_id=PORTAL, report=report) for report in reports]


async def detail(world: World, user: UserId = ALICE) -> LibraryItemDetail:
    item = await world.reader.item(user, PORTAL, now=NOON)
    assert item is not None
    return item


async def test_a_game_without_an_entry_is_left_alone(world: World, record: RecordInstallationHandler) -> None:
    (command,) = reported(a_report(INSTALLED))

    assert await record(command) == RecordInstallationResult(recorded=False, changed=False)
    assert (await world.revision(ALICE), await world.audit(), await world.outbox()) == (0, [], [])


@pytest.mark.usefixtures("portal")
class TestItem:
    async def test_shows_what_lies_on_the_best_device_and_on_all(
        self, world: World, record: RecordInstallationHandler, clock: FakeClock
    ) -> None:
        clock.advance(HOUR)
        for command in reported(
            a_report(INSTALLED),
            a_report(INSTALLING, minute=2, device_id="phone", platform=Platform.ANDROID),
            a_report(FAILED, minute=3, device_id="", platform=None, failed_reason="disk_full"),
            a_report(INSTALLED, minute=4, device_id="old"),
            a_report(NOT_INSTALLED, minute=5, device_id="old"),
        ):
            await record(command)

        item = await detail(world)
        (on_page,) = (await world.reader.page(ALICE, LibraryQuery(), now=NOON)).items

        assert item.devices == [
            Installation(
                device_id="desktop",
                platform="windows",
                status="installed",
                failed_reason=None,
                install_path="C:/Games/Portal 2",
                installed_version="2.1.5",
                size_installed=12_000,
                size_total=12_000,
                installed_at=NOON,
            ),
            nothing_there("", "failed", platform=None, failed_reason="disk_full"),
            nothing_there("phone", "installing", platform="android"),
        ]
        assert (item.install_path, item.version) == ("C:/Games/Portal 2", "2.1.5")
        for shown in (item, on_page):
            assert (shown.installation_status, shown.installed, shown.platform) == (
                "installed",
                True,
                "windows",
            )
            assert (shown.size_installed, shown.updated_at) == (12_000, NOON + HOUR)

    async def test_shows_nothing_of_a_game_that_was_uninstalled(
        self, world: World, record: RecordInstallationHandler
    ) -> None:
        for command in reported(a_report(INSTALLED), a_report(NOT_INSTALLED, minute=1)):
            await record(command)

        item = await detail(world)

        assert (item.devices, item.installed, item.platform) == ([], False, None)
        assert (item.install_path, item.size_installed, item.version) == (None, None, "catalog's")

    async def test_of_a_dlc_is_shown_under_its_game(
        self, world: World, record: RecordInstallationHandler, add: AddToLibraryHandler
    ) -> None:
        await learn(world, a_dlc("Art book", of="Portal 2"))
        await add(a_purchase("Art book"))

        await record(
            RecordInstallation(user_id=ALICE, game_id=game_id("Art book"), report=a_report(INSTALLED))
        )
        (dlc,) = (await detail(world)).dlc

        assert (dlc.installed, dlc.size_installed) == (True, 12_000)

    async def test_is_another_for_another_user(
        self, world: World, record: RecordInstallationHandler, add: AddToLibraryHandler
    ) -> None:
        bob = user_id("bob")
        await add(a_purchase("Portal 2", by="bob"))

        (command,) = reported(a_report(INSTALLED), user=bob)
        await record(command)

        assert ((await detail(world)).installed, (await detail(world, bob)).installed) == (False, True)


def nothing_there(
    device_id: str, status: str, *, platform: str | None, failed_reason: str | None = None
) -> Installation:
    return Installation(
        device_id=device_id,
        platform=platform,
        status=status,
        failed_reason=failed_reason,
        install_path=None,
        installed_version=None,
        size_installed=None,
        size_total=None,
        installed_at=None,
    )


@pytest.mark.usefixtures("portal")
class TestTraces:
    async def test_a_change_is_audited_published_and_raises_the_revision(
        self, world: World, record: RecordInstallationHandler
    ) -> None:
        (command,) = reported(a_report(INSTALLING, progress=15.5))

        assert (await record(command)).changed
        event = (await world.outbox())[-1]
        assert (event["type"], event["topic"]) == ("library.game.install_status_changed", "library-events")
        assert event["event"]["data"] | {"progress": 15.5} == event["event"]["data"]
        assert (await world.audit())[-1]["action"] == "update_installation"
        assert await world.revision(ALICE) == event["revision"] == 2

    async def test_progress_that_changes_no_status_leaves_only_its_time(
        self, world: World, record: RecordInstallationHandler
    ) -> None:
        first, more, older = reported(
            a_report(INSTALLING),
            a_report(INSTALLING, minute=9, progress=90.0, size_downloaded=9),
            a_report(NOT_INSTALLED, minute=5),
        )
        await record(first)
        before = await everything(world)

        assert await record(more) == RecordInstallationResult(recorded=True, changed=False)
        assert await record(older) == RecordInstallationResult(recorded=True, changed=False)
        assert await everything(world) == before

    async def test_a_replay_of_everything_changes_nothing(
        self, world: World, record: RecordInstallationHandler, clock: FakeClock
    ) -> None:
        history = reported(
            a_report(INSTALLING),
            a_report(INSTALLED, minute=1),
            a_report(UPDATING, minute=2),
            a_report(INSTALLED, minute=3, version="3.0"),
            a_report(NOT_INSTALLED, minute=4),
            a_report(INSTALLING, minute=5, device_id="phone"),
        )
        for command in history:
            await record(command)
        before = await everything(world)
        clock.advance(timedelta(days=20))

        for command in history:
            await record(command)

        assert await everything(world) == before


async def everything(world: World) -> tuple[object, ...]:
    """Return all that a use case could have left of a change."""
    return (
        await detail(world),
        await world.revision(ALICE),
        len(await world.audit()),
        len(await world.outbox()),
    )


class TestLists:
    async def test_choose_and_sort_by_what_was_recorded(
        self, world: World, record: RecordInstallationHandler, add: AddToLibraryHandler
    ) -> None:
        for status in InstallationStatus:
            await learn(world, a_game(status.value))
            await add(a_purchase(status.value))
            report = a_report(status, platform=Platform.LINUX)
            await record(RecordInstallation(user_id=ALICE, game_id=game_id(status.value), report=report))

        async def listed(sort: LibrarySort = LibrarySort.NAME, **wanted: object) -> list[str | None]:
            query = LibraryQuery(filter=LibraryFilter(**wanted), sort=sort)  # type: ignore[arg-type]
            return [item.name for item in (await world.reader.page(ALICE, query, now=NOON)).items]

        assert await listed(installed=True) == ["installed", "updating"]
        assert await listed(installed=False) == ["failed", "installing", "not_installed"]
        assert await listed(installation_statuses=frozenset({FAILED})) == ["failed"]
        assert await listed(collection=Collection.INSTALLED) == ["installed", "updating"]
        assert await listed(LibrarySort.INSTALLATION_STATUS) == sorted(InstallationStatus)


reports = st.builds(
    lambda status, minute, number, device, version: a_report(
        status, minute=minute, event_id=event_id(f"{number}"), device_id=device, version=version
    ),
    status=st.sampled_from(InstallationStatus),
    minute=st.integers(0, 3),
    number=st.integers(0, 2),
    device=st.sampled_from(["", "desktop", "phone"]),
    version=st.sampled_from([None, "1.0", "2.0"]),
)
histories = st.lists(
    reports,
    min_size=1,
    max_size=6,
    unique_by=lambda report: (report.device_id, report.event_time, report.event_id),
)


@given(history=histories, orders=st.data())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_and_number_shows_what_in_order_once_shows(
    world: World,
    add: AddToLibraryHandler,
    record: RecordInstallationHandler,
    history: list[DownloadReport],
    orders: st.DataObject,
) -> None:
    again = orders.draw(st.lists(st.sampled_from(history), max_size=3))
    shuffled = orders.draw(st.permutations([*history, *again]))
    in_order = sorted(history, key=lambda report: report.guard)

    seen = []
    for delivered in (in_order, shuffled):
        name = f"player {next(_numbers)}"
        await add(a_purchase("Portal 2", by=name))
        for command in reported(*delivered, user=user_id(name)):
            await record(command)
        item = await detail(world, user_id(name))
        seen.append(replace(item, id=PORTAL, user_id=ALICE))

    assert seen[0] == seen[1]
