"""Connections for load that come back when the server ends them, as it may at any time."""

import asyncio
from collections import deque

from library_devstack.bench.calls import Calls
from library_devstack.bench.gets import Gets

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 10.0
"""Longer than the server lets a request take: later is never."""


class CallLine:
    """One gRPC connection."""

    def __init__(self, address: str, *, path: str, token: str) -> None:
        self._address = address
        self._path = path
        self._token = token
        self._calls: Calls | None = None
        self._opening = asyncio.Lock()

    async def ask(self, message: bytes) -> bool:
        """Return whether a message came back. A call that the server sent away unheard is made again, once."""
        calls = await self._open()
        if await _answer_of(calls, message):
            return True
        return calls.closing and await _answer_of(await self._open(), message)

    def close(self) -> None:
        """End the connection."""
        if self._calls is not None:
            self._calls.close()

    async def _open(self) -> Calls:
        async with self._opening:
            if self._calls is None or self._calls.closing:
                host, _, port = self._address.rpartition(":")
                async with asyncio.timeout(_CONNECT_SECONDS):
                    _, self._calls = await asyncio.get_running_loop().create_connection(
                        lambda: Calls(path=self._path, authority=self._address, token=self._token),
                        host,
                        int(port),
                    )
            return self._calls


class GetLines:
    """HTTP connections, a request at a time on each; so many requests may wait for one, and no more."""

    def __init__(self, address: str, *, connections: int, waiting_max: int) -> None:
        self._address = address
        self._idle: deque[Gets] = deque()
        self._room = asyncio.Semaphore(connections)
        self._waiting = 0
        self._waiting_max = waiting_max

    async def ask(self, request: bytes) -> bool:
        """Return whether it was answered with a status below 400; False when too many wait already."""
        if self._waiting >= self._waiting_max:
            return False
        self._waiting += 1
        try:
            await self._room.acquire()
        finally:
            self._waiting -= 1
        try:
            return await self._ask(request)
        finally:
            self._room.release()

    def close(self) -> None:
        """End the idle connections."""
        for connection in self._idle:
            connection.close()

    async def _ask(self, request: bytes) -> bool:
        connection = await self._open()
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        connection.get(request, lambda is_good: None if answered.done() else answered.set_result(is_good))
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                is_good = await answered
        except TimeoutError:
            connection.close()
            return False
        self._idle.append(connection)
        return is_good

    async def _open(self) -> Gets:
        while self._idle:
            connection = self._idle.popleft()
            if connection.is_open:
                return connection
        host, _, port = self._address.rpartition(":")
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, opened = await asyncio.get_running_loop().create_connection(Gets, host, int(port))
        return opened


async def _answer_of(calls: Calls, message: bytes) -> bool:
    answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    calls.call(message, lambda is_good: None if answered.done() else answered.set_result(is_good))
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await answered
    except TimeoutError:
        return False
