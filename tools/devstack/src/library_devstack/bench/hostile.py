"""Hostile clients, as many as a door must withstand without other clients noticing (reliability D3).

What they do is bounded, like what a balancer lets through: a hundred connections with a hundred calls each whose request
never comes, begun 500 a second; ten calls whose message comes one byte a second, half of them claiming 64 MiB, which is too
long; and 3,000 calls that are reset as soon as they have begun.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from library_devstack.bench.calls import (
    PREFACE,
    begin_frame,
    data_frame,
    packed_heads,
    ping_frame,
    reset_frame,
)

GATHERING = 3.0
"""So many times as long as a measurement they gather before it; who is not there then does not come."""
_TRICKLES = 10
_TOO_MANY_BYTES, _MANY_BYTES = 64 * 1024 * 1024, 4 * 1024 * 1024
_SILENT_CONNECTIONS, _SILENT_CALLS = 100, 100
_PAUSE_SECONDS = 0.002
_RESETS = 3_000
_PING = b"who's it"


class _Line:
    """A connection on which calls are begun; nobody looks at their answers."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heads: tuple[bytes, bytes]
    ) -> None:
        self._reader, self._writer = reader, writer
        self._first_head, self._head = heads
        self._stream = -1
        self.heard = asyncio.Event()
        """The server has come as far as the ping, or has ended the connection."""
        writer.write(PREFACE)

    async def begin(self) -> int:
        """Begin a call."""
        head = self._head if self._stream > 0 else self._first_head
        self._stream += 2
        await self.write(begin_frame(self._stream, head))
        return self._stream

    async def write(self, frame: bytes) -> None:
        """Send a frame. Raises OSError when the server has ended the connection."""
        self._writer.write(frame)
        await self._writer.drain()

    async def read(self) -> None:
        """Throw away what comes, until the end."""
        end = b""
        try:
            while data := await self._reader.read(65_536):
                if _PING in end + data:
                    self.heard.set()
                end = data[-len(_PING) :]
        finally:
            self.heard.set()
            self._writer.close()


@asynccontextmanager
async def siege(address: str, *, path: str, token: str, seconds: float) -> AsyncIterator[None]:
    """Run the block, which takes so long, beside all of them. That the server ends their connections is no failure."""
    heads = packed_heads(path=path, authority=address, token=token)
    host, _, port = address.rpartition(":")
    attacks: list[asyncio.Task[None]] = []

    async def connect() -> _Line:
        line = _Line(*await asyncio.open_connection(host, int(port)), heads)
        attacks.append(asyncio.create_task(_quietly(line.read())))
        return line

    async def attack(how: Callable[[_Line], Awaitable[None]]) -> None:
        attacks.append(asyncio.create_task(_quietly(how(await connect()))))

    async def gather() -> None:
        for number in range(_TRICKLES):
            await attack(partial(_trickle, claimed=_MANY_BYTES if number % 2 else _TOO_MANY_BYTES))
        silent = [await connect() for _ in range(_SILENT_CONNECTIONS)]
        for _ in range(_SILENT_CALLS):
            for line in silent:
                await _quietly(line.begin())
                await asyncio.sleep(_PAUSE_SECONDS)
        for line in silent:
            await _quietly(line.write(ping_frame(_PING)))
            await line.heard.wait()

    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds * GATHERING):
                await gather()
        await attack(partial(_reset, pause=seconds / _RESETS))
        yield
    finally:
        for task in attacks:
            task.cancel()
        await asyncio.gather(*attacks, return_exceptions=True)


async def _quietly(work: Awaitable[object]) -> None:
    with suppress(OSError):
        await work


async def _trickle(line: _Line, *, claimed: int) -> None:
    stream = await line.begin()
    await line.write(data_frame(stream, b"\0" + claimed.to_bytes(4, "big")))
    while True:
        await asyncio.sleep(1.0)
        await line.write(data_frame(stream, b"x"))


async def _reset(line: _Line, *, pause: float) -> None:
    for _ in range(_RESETS):
        await line.write(reset_frame(await line.begin()))
        await asyncio.sleep(pause)
