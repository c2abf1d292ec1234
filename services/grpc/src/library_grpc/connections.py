"""Connections that come to an end by themselves, which grpclib's never do (ecosystem 2; reliability, anchors).

A client of HTTP/2 keeps its connection, and so its process of ours, for good: after more processes were started the old
ones would have all the work. So a connection that has reached its age is retired: GOAWAY asks its client to make the next
call elsewhere, calls in progress are finished, and then it is closed.

GOAWAY waits for a quiet moment, though not longer than the grace, because some clients, grpclib's among them, give up every
call in hand when it comes, even one whose answer they have read and not yet looked at. From then on calls that were already
under way are refused unprocessed, which clients repeat elsewhere by themselves.
"""

import asyncio
import random
import struct
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import grpclib.protocol
from grpclib.config import Configuration
from grpclib.encoding.base import CodecBase
from grpclib.protocol import AbstractHandler, EventsProcessor, H2Protocol
from grpclib.server import Server
from h2.config import H2Configuration
from h2.errors import ErrorCodes
from h2.events import RequestReceived, UnknownFrameReceived
from h2.exceptions import ProtocolError
from loguru import logger
from prometheus_client import CollectorRegistry, Counter, Gauge

if TYPE_CHECKING:
    from grpclib._typing import IServable
    from grpclib.server import Handler

_JITTER = 0.1
"""So much sooner or later than its age a connection is retired: those that began together shall not end together."""
_QUIET_SECONDS = 0.1
"""How long a connection must be without calls for GOAWAY to do no harm."""
_LINGER_SECONDS = 1.0
"""How long a client may take to close a connection after GOAWAY, so that it has read that before the end."""
# h2 takes a GOAWAY of ours for the end of all calls and refuses their answers; it is only told of the last one.
_FRAME = struct.Struct(">HBBBIII")
_LENGTH_OF_GOAWAY, _GOAWAY = 8, 7
_NEEDED = frozenset({":method", ":path"})


class Connections:
    """The open connections of one server."""

    def __init__(self, *, age_seconds: float, grace_seconds: float, registry: CollectorRegistry) -> None:
        self._age_seconds = age_seconds
        self._grace_seconds = grace_seconds
        self._open: set[Connection] = set()
        self._none = asyncio.Event()
        Gauge("library_grpc_connections", "Open connections.", registry=registry).set_function(
            lambda: len(self._open)
        )
        self._retired = Counter(
            "library_grpc_connections_retired", "Connections that reached their age.", registry=registry
        )

    def opened(self, connection: "Connection") -> None:
        """Count the connection from its first moment on, and retire it when its time has come."""
        self._open.add(connection)
        self._none.clear()
        age = self._age_seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - jitter, no secret
        connection.after(age, lambda: self._retire(connection))

    def closed(self, connection: "Connection") -> None:
        """Forget the connection."""
        self._open.discard(connection)
        if not self._open:
            self._none.set()

    def retire_all(self, grace_seconds: float) -> None:
        """Retire every connection, as a process does that is about to stop."""
        for connection in list(self._open):
            connection.retire(grace_seconds)

    async def close_all(self) -> None:
        """Send every connection home, whatever it is doing, and close those that do not go."""
        if not self._open:
            return
        await asyncio.sleep(_QUIET_SECONDS)
        for connection in list(self._open):
            connection.say_goodbye()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._none.wait(), _LINGER_SECONDS)
        for connection in list(self._open):
            connection.close()

    def _retire(self, connection: "Connection") -> None:
        self._retired.inc()
        connection.retire(self._grace_seconds)


class Connection(H2Protocol):
    """One connection of a client."""

    def __init__(
        self,
        handler: AbstractHandler,
        config: Configuration,
        h2_config: H2Configuration,
        *,
        connections: Connections,
    ) -> None:
        super().__init__(handler, config, h2_config)
        self._connections = connections
        self._timer: asyncio.TimerHandle | None = None
        self._grace_seconds = 0.0
        self._patience_ends: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        super().connection_made(transport)
        self.processor = self._processor = _Processor(self.handler, self.connection, on_idle=self._on_idle)
        self._connections.opened(self)

    def data_received(self, data: bytes) -> None:
        """See asyncio. What is no HTTP/2 is told so before the connection ends; grpclib just hangs up."""
        if self.connection.is_closing():
            return
        # Answers that wait to be written (see `answers`): h2 throws them away when the client says goodbye.
        self.connection.flush()
        try:
            events = self.connection.feed(data)
        except ProtocolError as error:
            logger.debug("a client does not keep to HTTP/2: {}", error)
            self.connection.flush()
            self.processor.close("Protocol error")
            return
        self.connection.flush()
        for event in events:
            self.processor.process(event)
            if self.connection.is_closing():
                return
        self.connection.flush()

    def connection_lost(self, exc: BaseException | None) -> None:
        """See asyncio."""
        self._cancel_timer()
        self._connections.closed(self)
        super().connection_lost(exc)

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Do it after so many seconds, instead of what was to be done before."""
        self._cancel_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, do)

    def retire(self, grace_seconds: float) -> None:
        """Say goodbye in a quiet moment, after the grace in any case; close when the calls have ended."""
        self._grace_seconds = grace_seconds
        self._patience_ends = asyncio.get_running_loop().time() + grace_seconds
        self._wait_for_quiet()

    def say_goodbye(self) -> None:
        """Send GOAWAY, and close: soon if nothing is in progress, after the grace in any case."""
        if self.connection.is_closing() or self._processor.is_retired:
            return
        self._processor.is_retired = True
        last = self.connection._connection.highest_inbound_stream_id  # noqa: SLF001 - there is no public way
        self.connection.flush()
        self.connection._transport.write(  # noqa: SLF001 - there is no public way
            _FRAME.pack(0, _LENGTH_OF_GOAWAY, _GOAWAY, 0, 0, last, ErrorCodes.NO_ERROR)
        )
        self.after(self._grace_seconds if self.processor.streams else _LINGER_SECONDS, self.close)

    def close(self) -> None:
        """Close whatever is in progress."""
        self._cancel_timer()
        if not self.connection.is_closing():
            self.connection.flush()
        self.processor.close("The connection has reached its age")

    def _on_idle(self) -> None:
        """Go on with what waited for the calls to end."""
        if self.connection.is_closing():
            return
        if self._processor.is_retired:
            self.after(_LINGER_SECONDS, self.close)
        elif self._patience_ends is not None:
            self._wait_for_quiet()

    def _wait_for_quiet(self) -> None:
        left = self._patience_left()
        self.after(left if self.processor.streams else min(_QUIET_SECONDS, left), self._listen)

    def _listen(self) -> None:
        if self.processor.streams and self._patience_left():
            self._wait_for_quiet()
        else:
            self.say_goodbye()

    def _patience_left(self) -> float:
        return max(0.0, (self._patience_ends or 0.0) - asyncio.get_running_loop().time())

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Processor(EventsProcessor):
    """Tells when no call is in progress, refuses calls after GOAWAY, ignores frames that HTTP/2 says to ignore."""

    def __init__(
        self,
        handler: AbstractHandler,
        connection: grpclib.protocol.Connection,
        *,
        on_idle: Callable[[], None],
    ) -> None:
        super().__init__(handler, connection)
        self._on_idle = on_idle
        self.is_retired = False
        # RFC 9113, 5.5. grpclib would end the connection with a stack trace.
        self.processors[UnknownFrameReceived] = lambda _: None

    def register(self, stream: grpclib.protocol.Stream) -> Callable[[], None]:
        """See grpclib."""
        release = super().register(stream)

        def release_and_tell() -> None:
            release()
            # grpclib keeps ended calls until ten more begin on the connection, which may be never.
            cast("Handler", self.handler)._tasks.pop(stream, None)  # noqa: SLF001 - there is no public way
            if not self.streams:
                self._on_idle()

        return release_and_tell

    def process_request_received(self, event: RequestReceived) -> None:
        """See grpclib. What lacks its method or path is no request; grpclib would never answer it."""
        if self.is_retired:
            self._reset(event, ErrorCodes.REFUSED_STREAM)
        elif not {name for name, _ in event.headers or ()} >= _NEEDED:
            self._reset(event, ErrorCodes.PROTOCOL_ERROR)
        else:
            super().process_request_received(event)

    def _reset(self, event: RequestReceived, code: ErrorCodes) -> None:
        self.connection._connection.reset_stream(event.stream_id, error_code=code)  # noqa: SLF001 - there is no public way


class AgingServer(Server):
    """grpclib's server over connections that age."""

    def __init__(
        self, handlers: Collection["IServable"], *, codec: CodecBase, connections: Connections
    ) -> None:
        super().__init__(handlers, codec=codec)
        # Any byte is a character: headers that are not ASCII, as they should be, are no reason to end all calls.
        self._h2_config.header_encoding = "latin-1"
        # What we send is made by grpclib and ourselves; h2 would look at each header anew in each answer.
        self._h2_config.validate_outbound_headers = False
        self._h2_config.normalize_outbound_headers = False
        self._connections = connections

    def _protocol_factory(self) -> Connection:
        """Make a connection with what grpclib's own factory gives it."""
        plain = super()._protocol_factory()
        return Connection(plain.handler, plain.config, plain.h2_config, connections=self._connections)
