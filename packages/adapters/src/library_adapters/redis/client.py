"""The client: with redis-py's own defaults a Redis that is away costs five seconds a call (reliability, row 13)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from library_adapters.redis.settings import RedisSettings

Client: TypeAlias = Redis


@asynccontextmanager
async def open_redis(settings: RedisSettings) -> AsyncIterator[Client]:
    """Give a client that connects when it is first asked; close its connections with the block."""
    pool = BlockingConnectionPool.from_url(
        settings.url.get_secret_value(),
        max_connections=settings.connections_max,
        timeout=settings.timeout_seconds,
        socket_timeout=settings.timeout_seconds,
        socket_connect_timeout=settings.timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )
    client = Redis(connection_pool=pool)
    try:
        yield client
    finally:
        await client.aclose()
        await pool.aclose()


async def ping(client: Client) -> None:
    """Raise whatever is wrong with Redis."""
    await client.ping()
