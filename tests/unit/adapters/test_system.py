from datetime import UTC, datetime, timedelta

import pytest

from library_adapters.configuration import ConfigurationInvalid, load
from library_adapters.system import ClockSettings, FastClock, SystemClock, Uuid7Source, clock_of
from library_domain.shared.clock import Clock
from library_domain.shared.ids import IdSource
from library_sweeper.settings import Settings

DSN = {"LIBRARY_POSTGRES__DSN": "postgresql://library@127.0.0.1:1/library"}
HOUR = timedelta(hours=1)


def test_the_systems_time_is_aware_and_in_utc() -> None:
    clock: Clock = SystemClock()

    assert clock.now().tzinfo is UTC
    assert clock.now().utcoffset() == timedelta(0)


def test_new_ids_are_uuid7_and_ascend() -> None:
    source: IdSource = Uuid7Source()

    minted = [source.new() for _ in range(10_000)]

    assert all(each.version == 7 for each in minted)
    assert minted == sorted(set(minted))


@pytest.mark.parametrize(
    "moment", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 11, 23, 12, 0, 0, 123_999, UTC)]
)
def test_ids_of_a_moment_bear_its_millisecond_and_differ(moment: datetime) -> None:
    source: IdSource = Uuid7Source()

    minted = [source.new_at(moment) for _ in range(10_000)]

    assert all(each.version == 7 for each in minted)
    assert {each.int >> 80 for each in minted} == {
        (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    }
    assert len(set(minted)) == len(minted)


def test_fast_time_goes_on_from_its_start() -> None:
    epoch, start = datetime.now(UTC) - HOUR, datetime(2026, 11, 23, tzinfo=UTC)
    clock: Clock = FastClock(rate=60, epoch=epoch, start=start)

    earliest = start + (datetime.now(UTC) - epoch) * 60
    told = clock.now()

    assert earliest <= told <= start + (datetime.now(UTC) - epoch) * 60
    assert told.tzinfo is UTC


def test_two_processes_that_are_told_the_same_tell_the_same() -> None:
    settings = ClockSettings(development=True, rate=60, epoch=datetime.now(UTC) - HOUR)
    one, other = clock_of(settings), clock_of(settings)

    told = [one.now(), other.now(), one.now(), other.now()]

    assert told == sorted(told)
    assert told[0] >= datetime.now(UTC) + 58 * HOUR


def test_time_is_the_machines_unless_it_is_told_otherwise() -> None:
    assert isinstance(clock_of(load(Settings, environ=DSN).clock), SystemClock)


@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        ({"RATE": "60"}, "for development only"),
        ({"EPOCH": "2026-11-23T12:00:00Z"}, "for development only"),
        ({"START": "2026-11-23T12:00:00Z"}, "for development only"),
        ({"RATE": "60", "DEVELOPMENT": "yes"}, "needs an epoch"),
        ({"START": "2026-11-23T12:00:00Z", "DEVELOPMENT": "yes"}, "needs an epoch"),
        ({"RATE": "0.5", "EPOCH": "2026-11-23T12:00:00Z", "DEVELOPMENT": "yes"}, "clock.rate"),
        ({"RATE": "60", "EPOCH": "2026-11-23T12:00:00", "DEVELOPMENT": "yes"}, "clock.epoch"),
    ],
)
def test_another_time_is_refused_outside_development_and_without_an_epoch(
    told: dict[str, str], refusal: str
) -> None:
    environ = DSN | {f"LIBRARY_CLOCK__{name}": value for name, value in told.items()}

    with pytest.raises(ConfigurationInvalid, match=refusal):
        load(Settings, environ=environ)
