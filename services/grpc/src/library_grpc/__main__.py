"""The process: settings, signals, exit code. 0 after a graceful stop, 2 for settings that are refused, else 1."""

import asyncio
import os
import signal
import sys

import uvloop
from loguru import logger

from library_adapters.configuration import ConfigurationInvalid, load
from library_adapters.telemetry import configure_logs
from library_grpc.bootstrap import open_application
from library_grpc.server import LibraryServer
from library_grpc.settings import Settings


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    try:
        settings = load(Settings, environ=os.environ)
    except ConfigurationInvalid as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201 - logs are not configured yet
        sys.exit(2)
    configure_logs(settings.logs, component="grpc")
    try:
        uvloop.run(serve(settings))
    except Exception:  # noqa: BLE001 - the last place where anybody can be told
        logger.exception("the process cannot go on")
        sys.exit(1)


async def serve(settings: Settings) -> None:
    """Run the door until the process is told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with (
        open_application(settings) as (application, management),
        LibraryServer(application, settings.grpc) as server,
    ):
        management.ready()
        logger.info("serving", host=settings.grpc.host, port=server.port)
        await stop.wait()
        management.draining()


if __name__ == "__main__":
    main()
