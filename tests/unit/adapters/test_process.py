"""How a process settles down when all is open (performance.md, trick 5)."""

import gc
from collections.abc import Iterator

import pytest

from library_adapters.process import ProcessSettings, settle


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    usual = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*usual)


@pytest.mark.parametrize("gc_freeze", [True, False])
def test_the_collector_leaves_alone_what_the_start_has_made_unless_it_is_told_not_to(gc_freeze: bool) -> None:
    usual = gc.get_threshold()

    settle(ProcessSettings(gc_freeze=gc_freeze))

    assert (gc.get_freeze_count() > 0) is gc_freeze
    assert (gc.get_threshold() > usual) is gc_freeze
