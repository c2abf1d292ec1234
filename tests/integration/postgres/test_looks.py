"""A look at another's data is audited beside the user's own writers, not behind them (data 9 and 12)."""

import asyncio
from contextvars import Context

from builders import NOON, user_id
from conftest import postgres_settings
from fakes.clock import FakeClock, SequentialIds

from library_adapters.postgres.pool import Pool
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_domain.shared.looks import LookedAt, Part

ALICE = user_id("alice")


async def test_a_look_does_not_wait_for_the_users_mutex(
    pool: Pool, clock: FakeClock, ids: SequentialIds
) -> None:
    uow = PostgresUnitOfWork(pool, postgres_settings("postgresql://unused"), clock=clock, ids=ids)

    async def look() -> None:
        async with uow.begin() as tx:
            tx.record(LookedAt(user_id=ALICE, game_id=None, occurred_at=NOON, part=Part.LIBRARY))

    async with uow.begin(ALICE), asyncio.timeout(10):
        # In a context of its own, as another request would be: it does not join the transaction that is open here.
        await asyncio.create_task(look(), context=Context())

    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT action, revision FROM library_audit_log")
        assert await cursor.fetchall() == [{"action": "read_other", "revision": 0}]
