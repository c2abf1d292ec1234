"""The management port: `/health/live`, `/health/ready`, `/metrics` (contract 2, data 30).

It has a thread of its own, so that a busy or blocked event loop can neither delay a scrape nor hide itself: the
thread sees that the loop stopped ticking.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
from loguru import logger
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import choose_encoder

from library_adapters.configuration import Port, Seconds
from library_adapters.telemetry.metrics import PREFIX

_JSON = "application/json"
_TICK_SECONDS = 1.0
_CONNECTION_SECONDS = 5.0
_MAX_CONNECTIONS = 16
_SHUTDOWN_POLL_SECONDS = 0.05

Probe = Callable[[], Awaitable[object]]
"""Asks a dependency for a sign of life; raises when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementSettings:
    """The section `management`."""

    host: str = "127.0.0.1"
    port: Port = 9464
    probe_interval_seconds: Seconds = 5.0
    """How often each dependency is asked."""
    probe_timeout_seconds: Seconds = 2.0
    stalled_after_seconds: Seconds = 20.0
    """The process counts as dead when its event loop did not turn for so long."""


class Stage(StrEnum):
    """Where the process is in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class DependencyStatus(StrEnum):
    """What the last probe said."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyState:
    """A dependency's last known state."""

    status: DependencyStatus = DependencyStatus.UNKNOWN
    checked_at: str | None = None
    error: str | None = None
    """The kind of failure; never its text, which may name hosts or users."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: HTTPStatus
    content_type: str
    body: bytes


class Management:
    """Serves the management port while its block lasts; the process starts as not ready.

    Readiness is 503 only while starting or draining: with a dependency down the process still answers, so it must
    stay in the balancer (data 30). Dependencies are reported in the body and as `library_dependency_up`.
    """

    def __init__(
        self,
        settings: ManagementSettings,
        registry: CollectorRegistry,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._monotonic = monotonic
        self._stage = Stage.STARTING
        self._ticked_at = monotonic()
        self._probes: dict[str, Probe] = {}
        self._states: dict[str, DependencyState] = {}
        self._server: _Server | None = None
        self._stack = AsyncExitStack()
        self._up = Gauge(
            f"{PREFIX}_dependency_up",
            "Whether the last probe of the dependency succeeded.",
            ("dependency",),
            registry=registry,
        )

    def watch(self, name: str, probe: Probe) -> None:
        """Report a dependency: `probe` is called every `probe_interval_seconds`, within `probe_timeout_seconds`."""
        self._states[name] = DependencyState()
        self._probes[name] = probe

    def ready(self) -> None:
        """Say that the process takes work."""
        self._stage = Stage.READY
        logger.info("ready")

    def draining(self) -> None:
        """Say that the process finishes what it has and wants no more."""
        self._stage = Stage.DRAINING
        logger.info("draining")

    @property
    def port(self) -> int:
        """The port that is listened on."""
        if self._server is None:
            raise RuntimeError("the management server is not started")
        return int(self._server.server_address[1])

    async def __aenter__(self) -> Self:
        """Listen. Raises OSError when the port is taken."""
        self._ticked_at = self._monotonic()
        server = _Server((self._settings.host, self._settings.port), self._answer)
        self._server = server
        thread = threading.Thread(
            target=server.serve_forever,
            kwargs={"poll_interval": _SHUTDOWN_POLL_SECONDS},
            name="management",
            daemon=True,
        )
        thread.start()
        self._stack.callback(server.server_close)
        self._stack.push_async_callback(asyncio.to_thread, server.shutdown)
        for work in (self._tick, self._watch):
            task = asyncio.create_task(work(), name=f"management{work.__name__}")
            self._stack.push_async_callback(_cancelled, task)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Stop probing and close the port."""
        await self._stack.aclose()
        self._server = None

    async def _tick(self) -> None:
        while True:
            self._ticked_at = self._monotonic()
            await asyncio.sleep(_TICK_SECONDS)

    async def _watch(self) -> None:
        while True:
            await asyncio.gather(*(self._ask(name, probe) for name, probe in list(self._probes.items())))
            await asyncio.sleep(self._settings.probe_interval_seconds)

    async def _ask(self, name: str, probe: Probe) -> None:
        failure: str | None = None
        try:
            async with asyncio.timeout(self._settings.probe_timeout_seconds):
                await probe()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the dependency's state
            failure = type(error).__name__
        status = DependencyStatus.DOWN if failure else DependencyStatus.UP
        if self._states[name].status is not status:
            logger.log("WARNING" if failure else "INFO", "dependency {} is {}", name, status, failure=failure)
        self._states[name] = DependencyState(
            status=status,
            checked_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            error=failure,
        )
        self._up.labels(name).set(0 if failure else 1)

    def _answer(self, path: str, accept: str) -> _Answer:
        """Answer a GET. Runs in the server's threads: reads only what is replaced as a whole."""
        if path == "/health/live":
            return self._liveness()
        if path == "/health/ready":
            return self._readiness()
        if path == "/metrics":
            encode, content_type = choose_encoder(accept)
            return _Answer(HTTPStatus.OK, content_type, encode(self._registry))
        return _json(HTTPStatus.NOT_FOUND, {"status": "not found"})

    def _liveness(self) -> _Answer:
        stalled = self._monotonic() - self._ticked_at
        if stalled > self._settings.stalled_after_seconds:
            return _json(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "stalled", "seconds": round(stalled, 1)})
        return _json(HTTPStatus.OK, {"status": "alive"})

    def _readiness(self) -> _Answer:
        stage = self._stage
        status = HTTPStatus.OK if stage is Stage.READY else HTTPStatus.SERVICE_UNAVAILABLE
        states = dict(self._states)
        return _json(
            status, {"status": stage, "dependencies": {name: asdict(each) for name, each in states.items()}}
        )


class _Server(ThreadingMixIn, TCPServer):
    """An HTTP server for a few internal clients: connections are bounded in number and in time."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], answer: Callable[[str, str], _Answer]) -> None:
        self.answer = answer
        self._slots = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver has it
        """Serve the connection in a thread, or close it at once when all are taken."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Serve one connection and give its slot back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002
        """Log what a connection died of; a client that left is no event."""
        logger.opt(exception=True).debug("a management connection failed")


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.0: one request a connection, which `timeout` seconds of silence end."""

    server: _Server
    timeout = _CONNECTION_SECONDS

    def do_GET(self) -> None:
        self._respond(with_body=True)

    def do_HEAD(self) -> None:
        self._respond(with_body=False)

    def version_string(self) -> str:
        """Do not tell which Python this is."""
        return "library-service"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server has it
        """Say nothing: probes and scrapes would drown the log."""

    def _respond(self, *, with_body: bool) -> None:
        answer = self.server.answer(urlsplit(self.path).path, self.headers.get("Accept", ""))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)


def _json(status: HTTPStatus, body: dict[str, object]) -> _Answer:
    return _Answer(status, _JSON, msgspec.json.encode(body))


async def _cancelled(task: asyncio.Task[None]) -> None:
    """Cancel the task and wait until it is over; raises what it failed with."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
