"""granian inside this process's own event loop: one worker, one process (reliability, row 7).

The multi-process server of granian would be a parent with one child: killed with -9 it leaves the child behind, and
signals, settings and the exit code would each cross a process border.
"""

import asyncio
from collections.abc import Callable

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from litestar.types import ASGIApp
from loguru import logger

from library_adapters.telemetry import LogSettings, stdlib_logging
from library_api.settings import HTTPSettings

_LISTENING_SECONDS = 10.0
_LISTENING_POLL_SECONDS = 0.02
_LOOPBACK = {4: "127.0.0.1", 6: "::1"}


class ServerFailed(Exception):
    """The server could not listen, or ended without having been asked to."""


async def serve(
    app: ASGIApp,
    settings: HTTPSettings,
    *,
    logs: LogSettings,
    stop: asyncio.Event,
    on_listening: Callable[[], None],
    on_stopping: Callable[[], None],
) -> None:
    """Serve until `stop` is set, then finish the requests in progress within `drain_timeout_seconds`.

    Raises ServerFailed when the port is taken or the server ends by itself.
    """
    server = _server(app, settings, logs)
    serving = asyncio.create_task(server.serve(), name="granian")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    listening = asyncio.create_task(_listening(settings), name="listening")
    try:
        await asyncio.wait({serving, stopping, listening}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done() and not serving.done():
            listening.result()
            on_listening()
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            raise ServerFailed(_first_line(serving.exception())) from None
        on_stopping()
        server.stop()  # type: ignore[no-untyped-call] # granian's embedded server bears no annotations
        _, unfinished = await asyncio.wait({serving}, timeout=settings.drain_timeout_seconds)
        if unfinished:
            logger.warning("requests in progress are given up", after_seconds=settings.drain_timeout_seconds)
        else:
            serving.result()
    finally:
        for task in (listening, stopping, serving):
            task.cancel()


def _server(app: ASGIApp, settings: HTTPSettings, logs: LogSettings) -> Server:
    return Server(
        app,
        address=str(settings.host),
        port=settings.port,
        interface=Interfaces.ASGI,
        # HTTP/1 only: the balancer in front speaks HTTP/2 to the world, and a stream is no unit of backpressure.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=int(settings.header_timeout_seconds * 1000)),
        websockets=False,
        backlog=settings.backlog,
        backpressure=settings.backpressure,
        # Its narration is ours already, and its one warning is that embedding is young: ADR and tests answer for that.
        log_level=LogLevels.error,
        log_dictconfig=stdlib_logging(logs.level),
    )


async def _listening(settings: HTTPSettings) -> None:
    """Return when the port takes connections, which granian tells nobody. Raises TimeoutError if it never does."""
    host = _LOOPBACK[settings.host.version] if settings.host.is_unspecified else str(settings.host)
    async with asyncio.timeout(_LISTENING_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, settings.port)
            except OSError:
                await asyncio.sleep(_LISTENING_POLL_SECONDS)
            else:
                writer.close()
                return


def _first_line(error: BaseException | None) -> str:
    """Return what happened without the native stack that granian appends."""
    return str(error).partition("\n")[0] if error else "the server ended by itself"
