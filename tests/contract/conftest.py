"""Each conformance test runs against the fake and against PostgreSQL, where there is one the oldest too."""

from collections.abc import AsyncIterator

import pytest
from conftest import postgres_settings
from contract.worlds import MemoryWorld, PostgresWorld, World
from fakes.clock import FakeClock, SequentialIds
from servers import SERVERS

from library_adapters.postgres.pool import open_pool
from library_domain.flows.add_to_library import AddToLibraryHandler

DATABASES = {"postgres": "database", "postgres_15": "database_15"}


@pytest.fixture(params=["memory", *SERVERS])
async def world(request: pytest.FixtureRequest, clock: FakeClock, ids: SequentialIds) -> AsyncIterator[World]:
    if request.param == "memory":
        yield MemoryWorld(clock=clock, ids=ids, patience_seconds=1.0)
        return
    dsn = request.getfixturevalue(DATABASES[request.param])
    settings = postgres_settings(dsn, pool_max=5, lock_timeout_milliseconds=1_000)
    async with open_pool(settings) as pool:
        yield PostgresWorld(pool, settings, clock=clock, ids=ids)


@pytest.fixture
def add(world: World, clock: FakeClock, ids: SequentialIds) -> AddToLibraryHandler:
    return AddToLibraryHandler(uow=world.uow, clock=clock, ids=ids)
