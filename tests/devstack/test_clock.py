"""Time that passes faster in the whole stack: told to every deployable alike, and not while one runs by another."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from library_adapters.configuration import load
from library_adapters.system import ClockSettings, FastClock, SystemClock, clock_of
from library_api.settings import Settings as APISettings
from library_devstack.lifecycle import set_clock
from library_devstack.services import services
from library_devstack.stack import Stack, StackError
from library_devstack.stack.process import Identity
from library_grpc.settings import Settings as GRPCSettings
from library_sweeper.settings import Settings as SweeperSettings


def clock_settings(
    stack: Stack, settings: type[APISettings | GRPCSettings | SweeperSettings]
) -> ClockSettings:
    environ = {name: value for name, value in stack.env().items() if name.startswith("LIBRARY_")}
    return load(settings, environ=environ).clock


def test_every_deployable_is_told_the_same_time(tmp_path: Path) -> None:
    set_clock(Stack(tmp_path), 60)
    stack = Stack(tmp_path)

    told = [clock_settings(stack, each) for each in (APISettings, GRPCSettings, SweeperSettings)]

    assert isinstance(clock_of(told[0]), FastClock)
    assert told == [told[0]] * 3
    assert stack.env()["LIBRARY_SWEEPER__INTERVAL_SECONDS"] == "1.0"
    assert told[0].rate == 60
    assert told[0].epoch is not None
    assert told[0].epoch <= datetime.now(UTC)


def test_the_machines_time_is_gone_back_to(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    set_clock(stack, 60)

    set_clock(stack, 1)

    assert isinstance(clock_of(clock_settings(stack, APISettings)), SystemClock)


def test_the_time_of_what_runs_stays_as_it_is(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    set_clock(stack, 60)
    before = stack.state.clock
    stack.state.path("run", f"{services(stack)[0].name}.pid").write_text(Identity.of(os.getpid()).text())
    running = Stack(tmp_path)

    set_clock(running, 60)
    assert running.state.clock == before
    with pytest.raises(StackError, match="stop it first"):
        set_clock(running, 1)
