"""A caller who does not wait any more leaves nothing half done, and may ask again (details 3.6, reliability D3)."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from builders import a_game, a_purchase, game_id, user_id
from component.sessions_by_doors import GrpcDoor, doors_of, in_postgres
from conftest import postgres_settings
from waiting import until

from library_adapters.postgres.pool import Pool, open_pool
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_adapters.system import SystemClock, Uuid7Source
from library_domain.flows.add_to_library import AddToLibraryHandler

ALICE = user_id("alice")
START = {"game_id": str(game_id("Portal 2")), "device_id": "desk"}


@pytest.fixture
async def grpc(pool: Pool, database: str) -> AsyncIterator[GrpcDoor]:
    world = in_postgres(pool, postgres_settings(database))
    async with world.uow.begin() as tx:
        await tx.games.save([a_game("Portal 2")])
    await AddToLibraryHandler(uow=world.uow, clock=world.clock, ids=world.ids)(a_purchase("Portal 2"))
    async with doors_of(world) as (_, grpc):
        yield grpc


@pytest.fixture
async def another_process(database: str) -> AsyncIterator[PostgresUnitOfWork]:
    configured = postgres_settings(database)
    async with open_pool(configured) as pool:
        yield PostgresUnitOfWork(pool, configured, clock=SystemClock(), ids=Uuid7Source())


async def nobody_waits(pool: Pool) -> bool:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return await cursor.fetchone() is None


async def running(uow: PostgresUnitOfWork) -> int:
    async with uow.begin() as tx:
        return len(await tx.sessions.all_running(ALICE))


async def test_a_start_that_comes_too_late_never_was(
    grpc: GrpcDoor, another_process: PostgresUnitOfWork, pool: Pool
) -> None:
    async with another_process.begin(ALICE):
        with pytest.raises(TimeoutError):
            await grpc.start("alice", START, timeout=0.3)
        await until(partial(nobody_waits, pool), within=10, what="nobody waits for Alice any more")

    assert await running(another_process) == 0
    begun = await grpc.start("alice", START)
    assert isinstance(begun, dict)
    assert not begun["resumed"]


async def test_an_end_that_comes_too_late_can_be_asked_for_again(
    grpc: GrpcDoor, another_process: PostgresUnitOfWork, pool: Pool
) -> None:
    begun = await grpc.start("alice", START)
    assert isinstance(begun, dict)
    async with another_process.begin(ALICE):
        with pytest.raises(TimeoutError):
            await grpc.end("alice", begun["session_id"], timeout=0.3)
        await until(partial(nobody_waits, pool), within=10, what="nobody waits for Alice any more")

    assert await running(another_process) == 1
    over = await grpc.end("alice", begun["session_id"])
    assert isinstance(over, dict)
    assert over["end_reason"] == "client"
    assert await running(another_process) == 0
