"""The gRPC server: services, seams, and a stop that finishes what was begun."""

import asyncio
import socket
from typing import Any, Self

from grpclib.const import Cardinality
from grpclib.events import RecvMessage, RecvRequest, SendTrailingMetadata, listen
from grpclib.health.check import ServiceStatus
from grpclib.health.service import Health
from grpclib.reflection.service import ServerReflection
from loguru import logger

from library_grpc import wire
from library_grpc.admission import Admission
from library_grpc.application import Application
from library_grpc.boundary import Boundary, OpenGate
from library_grpc.codec import SafeCodec
from library_grpc.connections import AgingServer, Connections
from library_grpc.descriptors import descriptor_pool
from library_grpc.doorkeeper import Doorkeeper, operations
from library_grpc.playtime import LibraryCommands
from library_grpc.queries import LibraryExamples, LibraryQueries
from library_grpc.settings import GrpcSettings

_BACKLOG = 1_024


class LibraryServer:
    """Serves the application. Construct it inside the running event loop."""

    def __init__(self, application: Application, settings: GrpcSettings) -> None:
        """Raise OperationNotInMatrix for a method that has no row in the access matrix."""
        wire.install()
        self._settings = settings
        self._admission = Admission(limit=settings.calls_in_flight, silent=settings.calls_without_request)
        self._connections = Connections(
            age_seconds=settings.connection_age_seconds,
            grace_seconds=settings.connection_grace_seconds,
            registry=application.registry,
        )
        self._serving = ServiceStatus()
        ours: list[Any] = [
            LibraryQueries(application),
            LibraryCommands(application),
            LibraryExamples(application),
        ]
        health = Health({service: [self._serving] for service in ours})
        # What tools such as grpcurl ask first; betterproto2 makes no descriptors, so it is given google's.
        pool = descriptor_pool()
        services = ServerReflection.extend([*ours, health], pool=pool)
        boundary = Boundary(
            operations(ours),
            open_to_all=_gates(services, settings),
            admission=self._admission,
            doorkeeper=Doorkeeper(application.tokens),
            within=application.within,
            ids=application.ids,
            tracing=application.tracing,
            registry=application.registry,
            call_seconds=settings.call_timeout_seconds,
            whole_answers=settings.whole_answers,
        )
        self._server = AgingServer(
            services,
            codec=SafeCodec(pool, max_message_bytes=settings.max_message_bytes),
            connections=self._connections,
        )
        listen(self._server, RecvRequest, boundary.admit)
        listen(self._server, RecvMessage, boundary.begin)
        listen(self._server, SendTrailingMetadata, boundary.label)
        self._port: int | None = None

    @property
    def port(self) -> int:
        """The port that is, or was, listened on."""
        if self._port is None:
            raise RuntimeError("the server was not started")
        return self._port

    async def start(self) -> None:
        """Listen and say SERVING. Raises OSError when the address cannot be had."""
        host = self._settings.host
        listener = socket.create_server(
            (host, self._settings.port),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            backlog=_BACKLOG,
        )
        self._port = int(listener.getsockname()[1])
        await self._server.start(sock=listener, backlog=_BACKLOG)
        self._serving.set(True)

    async def stop(self) -> None:
        """Say NOT_SERVING, after the notice refuse new calls, finish those in progress if they end in time, close.

        grpclib's own `close` cancels what is running. Open health and reflection streams are not waited for: they
        end only when their clients wish. A connection without calls is sent home at once, for its client to turn to
        another process; the others when their calls have ended.
        """
        self._serving.set(False)
        await asyncio.sleep(self._settings.notice_seconds)
        listener = self._server._server  # noqa: SLF001 - there is no public way to stop listening alone
        if listener is not None:
            listener.close()
        self._connections.retire_all(self._settings.drain_timeout_seconds)
        if cut := await self._admission.drain(self._settings.drain_timeout_seconds):
            logger.warning("{} calls did not end in time and are cut off", cut)
        self._server.close()
        await self._connections.close_all()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _gates(services: list[Any], settings: GrpcSettings) -> dict[str, OpenGate]:
    """Return the gates of methods that are open to all, by path: one for all single calls, one for all streams.

    Whoever holds streams open cannot keep the balancer from asking how we are.
    """
    limit = settings.open_streams
    calls, streams = (
        OpenGate(admission=Admission(limit=limit, silent=limit), seconds=seconds)
        for seconds in (settings.call_timeout_seconds, None)
    )
    return {
        path: calls if method.cardinality is Cardinality.UNARY_UNARY else streams
        for service in services
        for path, method in service.__mapping__().items()
    }
