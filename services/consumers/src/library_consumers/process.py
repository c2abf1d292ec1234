"""What all processes of this image have in common: settings, signals, exit codes."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import uvloop
from loguru import logger

from library_adapters.configuration import ConfigurationInvalid, load
from library_adapters.telemetry import LogSettings, Management, configure_logs

OK = 0
FAILED = 1
BAD_SETTINGS = 2

SettingsT = TypeVar("SettingsT")


def run(
    kind: type[SettingsT],
    logs: Callable[[SettingsT], LogSettings],
    main: Callable[[SettingsT], Coroutine[Any, Any, None]],
    *,
    component: str,
) -> int:
    """Load the settings, run `main` with them, and return the exit code."""
    try:
        settings = load(kind, environ=os.environ)
    except ConfigurationInvalid as refusal:
        sys.stderr.write(f"{refusal}\n")
        return BAD_SETTINGS
    configure_logs(logs(settings), component=component)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main(settings))
    except Exception:  # noqa: BLE001 - whatever it is, it ends the process, and the log is where that is read
        logger.exception("the process failed")
        return FAILED
    logger.info("stopped")
    return OK


async def until_signalled(management: Management, work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Do the work until SIGTERM or SIGINT; it gets the event that tells it to finish what it has and return."""
    stopping = asyncio.Event()

    def stop() -> None:
        if not stopping.is_set():
            management.draining()
            stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    management.ready()
    await work(stopping)
