"""Wake the relay after a commit that wrote outbox rows (data 19).

Business transactions never NOTIFY: the commit of a NOTIFY takes a global lock. A connection of its own does, at most a
few times a second, and a lost call costs a quarter of a second: the relay also looks by itself.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
from loguru import logger

from library_adapters.postgres.connection import connect
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.postgres.statements import statements

_SQL = statements("wakeup")


class RelayWakeup:
    """Calls the relay, coalescing calls that come close together."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        self._pause_seconds = 1 / settings.wakeups_per_second
        self._wanted = asyncio.Event()

    def call(self) -> None:
        """Ask for a wake-up soon; returns at once."""
        self._wanted.set()

    async def run(self) -> None:
        """Send what was asked for, until cancelled. The database's absence is survived: nobody writes then either."""
        while True:
            try:
                async with await connect(self._settings) as connection:
                    while True:
                        await self._wanted.wait()
                        self._wanted.clear()
                        await connection.execute(_SQL["notify"])
                        await asyncio.sleep(self._pause_seconds)
            except psycopg.Error as error:
                logger.debug("the relay cannot be woken now, it looks by itself: {}", error)
                await asyncio.sleep(1.0)


@asynccontextmanager
async def relay_wakeup(settings: PostgresSettings) -> AsyncIterator[RelayWakeup]:
    """Run a RelayWakeup while the block runs."""
    wakeup = RelayWakeup(settings)
    task = asyncio.create_task(wakeup.run(), name="relay-wakeup")
    try:
        yield wakeup
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
