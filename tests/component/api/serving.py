"""The real process over real stores, for tests that need the whole way of a request."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from builders import a_purchase
from component.api.process import Process, account_away, started
from pydantic import SecretStr

from library_adapters.postgres.pool import open_pool
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_adapters.system import SystemClock, Uuid7Source
from library_devstack.standins.issuer import Issuer
from library_domain.flows.add_to_library import AddToLibraryHandler


@asynccontextmanager
async def serving(
    directory: Path, environ: dict[str, str], *, processes: int = 1
) -> AsyncIterator[Sequence[Process]]:
    """Start so many processes over the same stores."""
    async with AsyncExitStack() as stack:
        running = []
        for number in range(processes):
            own = directory / str(number)
            own.mkdir()
            running.append(await stack.enter_async_context(started(own, environ)))
        yield running


def environment(*, database: str, redis_url: str, issuer: Issuer, **settings: str) -> dict[str, str]:
    """Return what a process needs; nobody is limited unless a test says so."""
    return {
        "LIBRARY_POSTGRES__DSN": database,
        "LIBRARY_REDIS__URL": redis_url,
        "LIBRARY_HTTP__CURSOR_KEY": "a key of thirty-two characters or more",
        "LIBRARY_TOKENS__ISSUER": issuer.url,
        "LIBRARY_TOKENS__JWKS_URL": issuer.jwks_url,
        "LIBRARY_RATE_LIMIT__ENABLED": "false",
        **account_away(),
        **settings,
    }


async def buy(database: str, *games: str, by: str = "alice") -> None:
    """Put games into a user's library, as a purchase does."""
    settings = PostgresSettings(dsn=SecretStr(database))
    clock, ids = SystemClock(), Uuid7Source()
    async with open_pool(settings) as pool:
        add = AddToLibraryHandler(
            uow=PostgresUnitOfWork(pool, settings, clock=clock, ids=ids), clock=clock, ids=ids
        )
        for game in games:
            await add(a_purchase(game, by=by))


def authorization(issuer: Issuer, user: UUID, *roles: str, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.mint(user, list(roles or ('user',)), **claims)}"}


def client_at(process: Process, **options: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=process.url, timeout=30, limits=httpx2.Limits(max_connections=100), **options
    )
