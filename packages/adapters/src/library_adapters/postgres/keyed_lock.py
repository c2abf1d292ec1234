"""One holder per key within this process; the others wait in memory, bounded (data 9)."""

import asyncio
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field


class NotInTurn(Exception):
    """The wait for a key took too long, or its queue is full."""


@dataclass(slots=True)
class _Entry:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class KeyedLock:
    """Locks by key that exist while somebody holds or awaits them."""

    def __init__(self, *, waiting_max: int) -> None:
        self._waiting_max = waiting_max
        self._entries: dict[Hashable, _Entry] = {}

    @asynccontextmanager
    async def hold(self, keys: Sequence[Hashable], *, timeout_seconds: float) -> AsyncIterator[None]:
        """Hold every key, taken in the given order.

        Raises NotInTurn when that takes too long or the queue of a key is full; never once the block runs.
        """
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(timeout_seconds):
                    for key in keys:
                        await stack.enter_async_context(self._one(key))
            except TimeoutError as error:
                raise NotInTurn from error
            yield

    @asynccontextmanager
    async def hold_if_free(self, key: Hashable) -> AsyncIterator[bool]:
        """Hold the key if nobody holds or awaits it; tell whether it is held."""
        if key in self._entries:
            yield False
            return
        async with self._one(key):
            yield True

    @asynccontextmanager
    async def _one(self, key: Hashable) -> AsyncIterator[None]:
        entry = self._entries.setdefault(key, _Entry())
        if entry.users > self._waiting_max:
            raise NotInTurn
        entry.users += 1
        try:
            async with entry.lock:
                yield
        finally:
            entry.users -= 1
            if not entry.users:
                del self._entries[key]
