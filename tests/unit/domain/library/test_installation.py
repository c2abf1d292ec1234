"""What the devices have of a game, told in any order and number (data 4, contract 4.1)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from builders import NOON, a_report, event_id, game_id, user_id
from hypothesis import given
from hypothesis import strategies as st

from library_domain.catalog.model import Platform
from library_domain.library.errors import LimitReached
from library_domain.library.events import GameUpdated, InstallStatusChanged
from library_domain.library.model import DownloadReport, GameInstallations, InstallationStatus
from library_domain.library.model.installation import MAX_DEVICES_PER_GAME

ALICE, PORTAL = user_id("alice"), game_id("Portal 2")
NOT_INSTALLED, INSTALLING, INSTALLED, UPDATING, FAILED = InstallationStatus
SETTLED = {INSTALLED, NOT_INSTALLED}


def told(*reports: DownloadReport) -> GameInstallations:
    installations = GameInstallations(user_id=ALICE, game_id=PORTAL)
    for report in reports:
        installations.record(report, now=NOON, game_name="Portal 2")
    return installations


def shown(installations: GameInstallations) -> dict[str, dict[str, object]]:
    """Return what anybody can see of the devices."""
    return {name: device.shown() for name, device in installations.devices.items() if device.is_shown}


class TestDevice:
    def test_shows_what_was_installed(self) -> None:
        (device,) = told(a_report(INSTALLED)).devices.values()

        assert device.shown() == {
            "status": INSTALLED,
            "platform": Platform.WINDOWS,
            "failed_reason": None,
            "install_path": "C:/Games/Portal 2",
            "version": "2.1.5",
            "size_installed": 12_000,
            "size_total": 12_000,
            "installed_at": NOON,
        }

    def test_keeps_its_files_while_they_are_updated(self) -> None:
        update = a_report(UPDATING, minute=1, platform=None, version="3.0", size_installed=1)
        (device,) = told(a_report(INSTALLED), update).devices.values()

        assert (device.status, device.platform) == (UPDATING, Platform.WINDOWS)
        assert (device.shown()["version"], device.shown()["size_installed"]) == ("2.1.5", 12_000)

    def test_has_nothing_left_once_it_is_uninstalled(self) -> None:
        installations = told(a_report(INSTALLED), a_report(NOT_INSTALLED, minute=1))

        assert shown(installations) == {}
        assert (installations.status, installations.best) == (NOT_INSTALLED, None)

    def test_says_why_a_download_failed(self) -> None:
        (device,) = told(a_report(FAILED, failed_reason="disk_full")).devices.values()

        assert (device.shown()["failed_reason"], device.shown()["install_path"]) == ("disk_full", None)

    def test_an_older_settled_report_tells_what_lies_there_and_not_the_status(self) -> None:
        (device,) = told(a_report(UPDATING, minute=2), a_report(INSTALLED, minute=1)).devices.values()

        assert (device.status, device.shown()["version"]) == (UPDATING, "2.1.5")

    def test_of_two_reports_of_one_time_the_greater_id_is_the_newer(self) -> None:
        low, high = sorted((a_report(INSTALLED), a_report(NOT_INSTALLED)), key=lambda report: report.event_id)

        assert {told(*order).status for order in permutations((low, high))} == {high.status}


class TestItem:
    @pytest.mark.parametrize(
        ("statuses", "best"),
        [
            ([FAILED, INSTALLING], INSTALLING),
            ([INSTALLING, UPDATING], UPDATING),
            ([UPDATING, INSTALLED], INSTALLED),
            ([NOT_INSTALLED, FAILED], FAILED),
        ],
    )
    def test_shows_the_best_status_of_all_devices(
        self, statuses: Sequence[InstallationStatus], best: InstallationStatus
    ) -> None:
        reports = [a_report(status, device_id=f"device {number}") for number, status in enumerate(statuses)]

        assert told(*reports).status is best

    def test_shows_the_newest_files_of_equals(self) -> None:
        old = a_report(INSTALLED, device_id="a", minute=1)
        new = a_report(INSTALLED, device_id="b", minute=2, platform=Platform.LINUX)
        assert (best := told(new, old).best)

        assert (best.device_id, best.platform) == ("b", Platform.LINUX)

    def test_shows_a_device_that_is_there_whatever_another_did_later(self) -> None:
        installations = told(
            a_report(INSTALLED, device_id="a"), a_report(NOT_INSTALLED, device_id="b", minute=5)
        )
        assert installations.best

        assert installations.best.device_id == "a"


class TestEvents:
    def test_a_change_of_status_passes_on_what_was_told(self) -> None:
        report = a_report(
            INSTALLING,
            progress=15.0,
            estimated_completion=NOON + timedelta(minutes=30),
            install_path="C:/Games/Portal 2",
            size_total=15_000,
            size_downloaded=2_250,
            download_speed=25,
        )

        assert told(report).events == [
            InstallStatusChanged(
                user_id=ALICE,
                game_id=PORTAL,
                occurred_at=NOON,
                game_name="Portal 2",
                device_id="desktop",
                platform=Platform.WINDOWS,
                previous_status=NOT_INSTALLED,
                current_status=INSTALLING,
                failed_reason=None,
                progress=15.0,
                estimated_completion=NOON + timedelta(minutes=30),
                install_path="C:/Games/Portal 2",
                version=None,
                size_installed=None,
                size_total=15_000,
                size_downloaded=2_250,
                download_speed=25,
            )
        ]

    def test_each_change_names_the_status_before_it(self) -> None:
        installations = told(
            a_report(INSTALLING), a_report(INSTALLED, minute=1), a_report(NOT_INSTALLED, minute=2)
        )
        changes = [event for event in installations.events if isinstance(event, InstallStatusChanged)]

        assert [(event.previous_status, event.current_status) for event in changes] == [
            (NOT_INSTALLED, INSTALLING),
            (INSTALLING, INSTALLED),
            (INSTALLED, NOT_INSTALLED),
        ]

    def test_progress_without_a_change_is_no_event_and_still_stands_against_older_reports(self) -> None:
        installations = told(a_report(INSTALLING), a_report(INSTALLING, minute=2, progress=50.0))
        assert len(installations.events) == 1

        installations.record(a_report(NOT_INSTALLED, minute=1), now=NOON, game_name=None)

        assert installations.status is INSTALLING
        assert len(installations.events) == 1

    def test_other_files_of_the_same_status_updates_the_item(self) -> None:
        installations = told(a_report(INSTALLED), a_report(INSTALLED, minute=1, version="3.0"))

        assert installations.events[1:] == [
            GameUpdated(
                user_id=ALICE,
                game_id=PORTAL,
                occurred_at=NOON,
                game_name="Portal 2",
                changes=("version", "devices"),
            )
        ]

    def test_a_game_that_was_never_there_is_uninstalled_in_silence(self) -> None:
        installations = told(a_report(NOT_INSTALLED))

        assert (installations.events, installations.changed, installations.touched) == (
            [],
            set(),
            {"desktop"},
        )

    def test_one_device_too_many_is_refused_and_the_others_go_on(self) -> None:
        installations = told(*(a_report(INSTALLED, device_id=str(n)) for n in range(MAX_DEVICES_PER_GAME)))

        with pytest.raises(LimitReached) as refused:
            installations.record(a_report(INSTALLED, device_id="more"), now=NOON, game_name="Portal 2")
        installations.record(a_report(NOT_INSTALLED, minute=1, device_id="7"), now=NOON, game_name="Portal 2")

        assert refused.value.details == {"limit": "devices_of_game", "maximum": MAX_DEVICES_PER_GAME}
        assert len(shown(installations)) == MAX_DEVICES_PER_GAME - 1

    def test_the_same_report_again_touches_nothing(self) -> None:
        report = a_report(INSTALLED)
        installations = told(report)
        installations.touched.clear()

        installations.record(report, now=NOON + timedelta(days=1), game_name="Portal 2")

        assert installations.touched == set()


reports = st.builds(
    lambda status, minute, number, device, platform, version, speed: a_report(
        status,
        minute=minute,
        event_id=event_id(f"{number}"),
        device_id=device,
        platform=platform,
        version=version,
        download_speed=speed,
    ),
    status=st.sampled_from(InstallationStatus),
    minute=st.integers(0, 4),
    number=st.integers(0, 3),
    device=st.sampled_from(["", "desktop", "phone"]),
    platform=st.sampled_from([None, Platform.WINDOWS, Platform.ANDROID]),
    version=st.sampled_from([None, "1.0", "2.0"]),
    speed=st.integers(0, 1),
)
# An event is one event: the same time and id cannot say two things of a device.
histories = st.lists(
    reports, max_size=8, unique_by=lambda report: (report.device_id, report.event_time, report.event_id)
)


def in_order_once(history: Sequence[DownloadReport]) -> dict[str, dict[str, object]]:
    """Say what is seen when every report comes once and in its turn: the simple model."""
    devices: dict[str, dict[str, object]] = {}
    for report in sorted(history, key=lambda report: report.guard):
        device = devices.setdefault(report.device_id, {"files": None})
        device |= {"status": report.status, "platform": report.platform}
        if report.status in SETTLED:
            device["files"] = report if report.status is INSTALLED else None
    seen: dict[str, dict[str, object]] = {}
    for name, device in devices.items():
        files = device["files"]
        assert files is None or isinstance(files, DownloadReport)
        if device["status"] is not NOT_INSTALLED:
            seen[name] = {
                "status": device["status"],
                "platform": device["platform"] or (files.platform if files else None),
                "failed_reason": None,
                "install_path": files.install_path if files else None,
                "version": files.version if files else None,
                "size_installed": files.size_installed if files else None,
                "size_total": files.size_total if files else None,
                "installed_at": files.event_time if files else None,
            }
    return seen


@given(history=histories, again=st.data())
def test_any_order_and_number_ends_as_in_order_once(
    history: list[DownloadReport], again: st.DataObject
) -> None:
    delivered = again.draw(st.permutations(history)) + again.draw(
        st.lists(st.sampled_from(history), max_size=4) if history else st.just([])
    )
    installations = told(*delivered)
    expected = in_order_once(history)

    assert shown(installations) == expected
    order = [INSTALLED, UPDATING, INSTALLING, FAILED]
    statuses = {device["status"] for device in expected.values()}
    assert installations.status is next((each for each in order if each in statuses), NOT_INSTALLED)
    assert installations.devices == told(*sorted(history, key=lambda report: report.guard)).devices


@given(history=histories)
def test_a_full_replay_changes_nothing(history: list[DownloadReport]) -> None:
    installations = told(*history)
    before = dict(installations.devices)
    installations.events.clear()
    installations.touched.clear()

    for report in history:
        installations.record(report, now=NOON + timedelta(days=1), game_name="renamed")

    assert (installations.devices, installations.events, installations.touched) == (before, [], set())


@given(history=histories)
def test_announced_changes_lead_from_one_status_to_the_next(history: list[DownloadReport]) -> None:
    installations = told(*history)

    statuses: dict[str, str] = {}
    for event in installations.events:
        if isinstance(event, InstallStatusChanged):
            assert event.previous_status == statuses.get(event.device_id, NOT_INSTALLED)
            assert event.current_status != event.previous_status
            statuses[event.device_id] = event.current_status
    assert statuses == {
        name: device.status
        for name, device in installations.devices.items()
        if name in statuses or device.is_shown
    }


def test_numbers_that_only_progress_has_are_never_seen() -> None:
    slow = a_report(INSTALLING, progress=1.0, download_speed=1, size_downloaded=1)
    fast = replace(slow, event_time=NOON + timedelta(minutes=1), progress=99.0, download_speed=9)

    assert shown(told(slow)) == shown(told(slow, fast))
