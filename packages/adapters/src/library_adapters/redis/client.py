"""The client: with redis-py's own defaults a Redis that is away costs five seconds a call (reliability, row 13)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from library_adapters.redis.settings import RedisSettings

Client: TypeAlias = Redis
_BACKSTOP = 5


@asynccontextmanager
async def open_redis(settings: RedisSettings) -> AsyncIterator[Client]:
    """Give a client; close its connections with the block.

    It connects at once if it can, so that the first burst of requests does not wait for that too.
    """
    pool = BlockingConnectionPool.from_url(
        settings.url.get_secret_value(),
        max_connections=settings.connections_max,
        timeout=settings.timeout_seconds,
        # Who calls bounds the whole of it: the limiter, and who looks after our health. redis-py's own bound would be a task
        # for each call.
        socket_timeout=None,
        # For what would otherwise hang: a busy event loop is no dead Redis.
        socket_connect_timeout=settings.timeout_seconds * _BACKSTOP,
        retry=Retry(NoBackoff(), 0),
    )
    client = Redis(connection_pool=pool)
    try:
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(settings.timeout_seconds):
                await ping(client)
        yield client
    finally:
        await client.aclose()
        await pool.aclose()


async def ping(client: Client) -> None:
    """Raise whatever is wrong with Redis."""
    await client.ping()
