from datetime import UTC, timedelta

from library_adapters.system import SystemClock, Uuid7Source
from library_domain.shared.clock import Clock
from library_domain.shared.ids import IdSource


def test_the_systems_time_is_aware_and_in_utc() -> None:
    clock: Clock = SystemClock()

    assert clock.now().tzinfo is UTC
    assert clock.now().utcoffset() == timedelta(0)


def test_new_ids_are_uuid7_and_ascend() -> None:
    source: IdSource = Uuid7Source()

    minted = [source.new() for _ in range(10_000)]

    assert all(each.version == 7 for each in minted)
    assert minted == sorted(set(minted))
