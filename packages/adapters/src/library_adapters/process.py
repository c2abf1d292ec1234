"""How every process of ours begins and ends: settings, logs, signals, exit code."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import uvloop
from loguru import logger

from library_adapters.configuration import ConfigurationInvalid, load
from library_adapters.telemetry import LogSettings, configure_logs

CLEAN, FAILED, BAD_CONFIGURATION = 0, 1, 2

_NEW_OBJECTS = 10_000
"""So many more made than freed begin a pass of the collector; Python's own 700 were a thirtieth of a heartbeat's time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """The section `process`."""

    gc_freeze: bool = True
    """Whether the garbage collector leaves alone what the start has made, and goes through what is new less often: both make
    requests wait."""


class _HasLogs(Protocol):
    @property
    def logs(self) -> LogSettings: ...


SettingsT = TypeVar("SettingsT", bound=_HasLogs)


def run(
    settings_type: type[SettingsT],
    body: Callable[[SettingsT, asyncio.Event], Awaitable[int | None]],
    *,
    component: str,
    answers: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Run `body` and return the exit code: its own, else 0; 1 when it raised, 2 for settings that are refused.

    The event that `body` is given is set by SIGTERM and SIGINT: finish what is begun, then return.
    What a command that `answers` writes to stdout is its answer: only warnings are logged then, and to stderr.
    """
    try:
        settings = load(settings_type, environ=environ)
    except ConfigurationInvalid as refusal:
        # Logs are configured by the settings that were just refused.
        sys.stderr.write(f"{refusal}\n")
        return BAD_CONFIGURATION
    if answers:
        configure_logs(replace(settings.logs, level="warn"), component=component, stream=sys.stderr)
    else:
        configure_logs(settings.logs, component=component)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(_until_told(body, settings))
    except Exception:  # noqa: BLE001 - whatever it is, it ends the process, and the log is where that is read
        logger.exception("the process failed")
        return FAILED
    logger.info("stopped")
    return code or CLEAN


def settle(settings: ProcessSettings) -> None:
    """Tell the garbage collector that what there is now stays for good (performance.md, trick 5); for when all is open.

    What is new are requests in progress, and next to nothing of them becomes garbage of the kind that it finds.
    """
    if settings.gc_freeze:
        gc.collect()
        gc.freeze()
        gc.set_threshold(_NEW_OBJECTS)


async def _until_told(
    body: Callable[[SettingsT, asyncio.Event], Awaitable[int | None]], settings: SettingsT
) -> int | None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return await body(settings, stop)
