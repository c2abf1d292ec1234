"""The process: `python -m library_grpc` serves until SIGTERM or SIGINT."""

import asyncio
import sys

from loguru import logger

from library_adapters.process import run, settle
from library_grpc.bootstrap import open_application
from library_grpc.server import LibraryServer
from library_grpc.settings import Settings


def main() -> int:
    """Serve; return the exit code: 0 after a clean stop, 1 after a failure, 2 for settings that are refused."""
    return run(Settings, _serve, component="grpc")


async def _serve(settings: Settings, stop: asyncio.Event) -> None:
    async with (
        open_application(settings) as (application, management),
        LibraryServer(application, settings.grpc) as server,
    ):
        settle(settings.process)
        management.ready()
        logger.info("serving", host=settings.grpc.host, port=server.port)
        await stop.wait()
        management.draining()


if __name__ == "__main__":
    sys.exit(main())
