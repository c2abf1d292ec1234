"""What a caller's deadline does to the database (details 3.6; reliability, anchors)."""

import asyncio
from time import monotonic

import pytest

from library_adapters.postgres.deadline import seconds_left, within
from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.pool import Pool
from library_domain.shared.errors import DependencyUnavailable


async def allowed(pool: Pool) -> str:
    async with pool.connection() as connection:
        (row,) = await (await connection.execute("SHOW statement_timeout")).fetchall()
        return str(row["statement_timeout"])


async def test_bounds_the_statements_of_whoever_borrows_a_connection(pool: Pool) -> None:
    with within(0.3):
        assert await allowed(pool) == "300ms"
    assert await allowed(pool) == "2s"


async def test_never_allows_more_than_the_settings(pool: Pool) -> None:
    with within(30):
        assert await allowed(pool) == "2s"


async def test_inside_another_can_only_be_nearer(pool: Pool) -> None:
    with within(0.3), within(1.0):
        assert await allowed(pool) == "300ms"
    with within(1.0), within(0.3):
        assert await allowed(pool) == "300ms"
    with within(0.3), within(None):
        assert await allowed(pool) == "300ms"


async def test_is_kept_by_the_server_itself(pool: Pool) -> None:
    started = monotonic()

    with within(0.1), pytest.raises(DependencyUnavailable) as unavailable, driver_errors():
        async with pool.connection() as connection:
            await connection.execute("SELECT pg_sleep(5)")

    assert monotonic() - started < 1
    assert "statement timeout" in str(unavailable.value.__cause__)
    assert await allowed(pool) == "2s"


async def test_of_the_past_lets_nothing_begin(pool: Pool) -> None:
    before = pool.get_stats().get("requests_num", 0)

    with within(0), pytest.raises(DependencyUnavailable):
        async with pool.connection():
            pass

    assert pool.get_stats().get("requests_num", 0) == before


async def test_bounds_the_wait_for_a_connection_too(pool: Pool) -> None:
    lent = [pool.connection() for _ in range(pool.max_size)]
    for connection in lent:
        await connection.__aenter__()
    started = monotonic()

    with within(0.1), pytest.raises(DependencyUnavailable), driver_errors():
        async with pool.connection():
            pass

    assert monotonic() - started < 1
    for connection in lent:
        await connection.__aexit__(None, None, None)


async def test_who_is_cancelled_before_it_leaves_the_connection_to_others(pool: Pool) -> None:
    lent = asyncio.Semaphore(0)

    async def sleep() -> None:
        async with pool.connection() as connection:
            lent.release()
            await connection.execute("SELECT pg_sleep(1.5)")

    asleep = [asyncio.create_task(sleep()) for _ in range(pool.max_size)]
    for _ in asleep:
        async with asyncio.timeout(10):
            await lent.acquire()
    for task in asleep:
        task.cancel()
    ended = await asyncio.gather(*asleep, return_exceptions=True)

    async with asyncio.timeout(1):
        assert [await allowed(pool) for _ in range(pool.max_size)] == ["2s"] * pool.max_size
    assert {type(each) for each in ended} == {asyncio.CancelledError}


def test_is_nobodys_unless_somebody_says_it() -> None:
    assert seconds_left() is None
    with within(60):
        left = seconds_left()
        assert left is not None
        assert 59 < left <= 60
    assert seconds_left() is None
