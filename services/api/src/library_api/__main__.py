"""The process: `python -m library_api` serves, `python -m library_api openapi` prints the specification."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence

import uvloop
from loguru import logger

from library_adapters.configuration import ConfigurationInvalid, load
from library_adapters.process import settle
from library_adapters.telemetry import configure_logs
from library_api.app import create_app
from library_api.bootstrap import open_application
from library_api.server import serve
from library_api.settings import Settings
from library_api.specification import specification, specification_yaml

_BAD_CONFIGURATION = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code: 0 after a clean stop, 1 after a failure, 2 for bad settings."""
    parser = argparse.ArgumentParser(prog="library-api", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("serve", "openapi", "openapi-yaml"), default="serve")
    command = parser.parse_args(arguments).command
    if command != "serve":
        sys.stdout.write(specification() if command == "openapi" else specification_yaml())
        return 0
    try:
        settings = load(Settings, environ=os.environ)
    except ConfigurationInvalid as error:
        sys.stderr.write(f"{error}\n")
        return _BAD_CONFIGURATION
    configure_logs(settings.logs, component="api")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings))
    except Exception:  # noqa: BLE001 - whatever it is, it ends the process, and the log is where that is read
        logger.exception("the process failed")
        return 1
    logger.info("stopped")
    return 0


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_application(settings) as (application, management):

        def listening() -> None:
            settle(settings.process)
            management.ready()

        await serve(
            create_app(application),
            settings.http,
            logs=settings.logs,
            stop=stop,
            on_listening=listening,
            on_stopping=management.draining,
        )


if __name__ == "__main__":
    sys.exit(main())
