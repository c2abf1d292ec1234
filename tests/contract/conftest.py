"""Each conformance test runs against the fake and against PostgreSQL, where there is one the oldest too; those of reads on
each by shared connections as well, which must answer as the plain ones do."""

from collections.abc import AsyncIterator

import pytest
from conftest import postgres_settings
from contract.worlds import HOT, MemoryWorld, PostgresWorld, World
from fakes.clock import FakeClock, SequentialIds
from prometheus_client import CollectorRegistry
from servers import SERVERS

from library_adapters.postgres.hot_reads.batches import open_hot_reads
from library_adapters.postgres.hot_reads.library import LIBRARY_READS, HotLibraryReader
from library_adapters.postgres.pool import open_pool
from library_adapters.postgres.settings import HotReadSettings
from library_domain.flows.add_to_library import AddToLibraryHandler

DATABASES = {"postgres": "database", "postgres_15": "database_15"}


@pytest.fixture(params=["memory", *SERVERS])
async def world(request: pytest.FixtureRequest, clock: FakeClock, ids: SequentialIds) -> AsyncIterator[World]:
    if request.param == "memory":
        yield MemoryWorld(clock=clock, ids=ids, patience_seconds=1.0)
        return
    dsn = request.getfixturevalue(DATABASES[request.param.removesuffix(HOT)])
    # A busy machine may take its time to connect.
    patient = HotReadSettings(queue_timeout_seconds=10.0)
    settings = postgres_settings(dsn, pool_max=5, lock_timeout_milliseconds=1_000, hot_reads=patient)
    async with open_pool(settings) as pool:
        if not request.param.endswith(HOT):
            yield PostgresWorld(pool, settings, clock=clock, ids=ids)
            return
        async with open_hot_reads(settings, reads=LIBRARY_READS, registry=CollectorRegistry()) as hot:
            yield PostgresWorld(pool, settings, clock=clock, ids=ids, reader=HotLibraryReader(pool, hot))


@pytest.fixture
def add(world: World, clock: FakeClock, ids: SequentialIds) -> AddToLibraryHandler:
    return AddToLibraryHandler(uow=world.uow, clock=clock, ids=ids)
