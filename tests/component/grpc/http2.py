"""A client that speaks HTTP/2 frame by frame: to see what a connection is told, and to send what no client would."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Self, TypeVar

from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.events import (
    ConnectionTerminated,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

EventT = TypeVar("EventT", bound=Event)
SECONDS = 10


class Http2:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.flush()
        self.events: list[Event] = []
        self.is_closed = False

    @classmethod
    @asynccontextmanager
    async def connected(cls, port: int) -> AsyncIterator[Self]:
        client = cls(*await asyncio.open_connection("127.0.0.1", port))
        try:
            yield client
        finally:
            client._writer.close()

    def flush(self) -> None:
        self._writer.write(self.h2.data_to_send())

    def write(self, data: bytes) -> None:
        """Send bytes of no frame of ours."""
        self._writer.write(data)

    def begin(self, path: str, headers: Mapping[str, str] | None = None, *, end: bool = False) -> int:
        """Begin a call; return its stream."""
        stream = self.h2.get_next_available_stream_id()
        defaults = {
            ":method": "POST",
            ":scheme": "http",
            ":path": path,
            ":authority": "test",
            "te": "trailers",
            "content-type": "application/grpc",
        }
        given = defaults | dict(headers or {})
        self.h2.send_headers(stream, [pair for pair in given.items() if pair[1]], end_stream=end)
        self.flush()
        return stream

    def send(self, stream: int, data: bytes, *, end: bool = True) -> None:
        self.h2.send_data(stream, data, end_stream=end)
        self.flush()

    async def read(self) -> None:
        """Read once, keeping the events; note the end of the connection."""
        try:
            data = await self._reader.read(65_536)
        except ConnectionError:
            data = b""
        if not data:
            self.is_closed = True
            return
        self.events += self.h2.receive_data(data)
        if self.seen(ConnectionTerminated):
            # For h2 a GOAWAY ends everything; in truth the calls before it go on.
            self.h2.state_machine.state = ConnectionState.CLIENT_OPEN
        self.flush()

    async def turn(self) -> None:
        """Let some time pass on the other side: that of a PING."""
        self.h2.ping(b"turn....")
        self.flush()
        await self.read()

    async def until(self, happened: Callable[[], bool]) -> None:
        """Read until it has happened, or the connection has ended."""
        async with asyncio.timeout(SECONDS):
            while not self.is_closed and not happened():
                await self.read()

    def seen(self, kind: type[EventT]) -> list[EventT]:
        return [event for event in self.events if isinstance(event, kind)]

    async def goodbye(self) -> ConnectionTerminated:
        """Wait for GOAWAY."""
        await self.until(lambda: bool(self.seen(ConnectionTerminated)))
        return self.seen(ConnectionTerminated)[0]

    async def answer(self, stream: int) -> dict[str, str]:
        """Wait until the call has ended; return its headers and trailers, `reset` if it was reset, `closed` likewise."""

        def ended() -> bool:
            return any(
                isinstance(event, StreamEnded | StreamReset) and event.stream_id == stream
                for event in self.events
            )

        await self.until(ended)
        said: dict[str, str] = {}
        for event in self.events:
            if isinstance(event, ResponseReceived | TrailersReceived) and event.stream_id == stream:
                said |= {str(name): str(value) for name, value in event.headers or ()}
            if isinstance(event, StreamReset) and event.stream_id == stream and "grpc-status" not in said:
                said["reset"] = str(int(event.error_code or 0))
        if not ended():
            said["closed"] = "true"
        return said
