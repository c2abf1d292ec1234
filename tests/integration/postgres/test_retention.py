"""Partitions go when all that they hold is old, and writers do not notice (data 26; reliability A5)."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from conftest import postgres_settings
from psycopg import sql

from library_adapters.postgres import migrate
from library_adapters.postgres.maintenance import PostgresPartitions
from library_adapters.postgres.pool import Pool, open_pool

YEAR = timedelta(days=365)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OLD = ["library_audit_log_y2025m09", "library_audit_log_y2025m10"]


@pytest.fixture
def aged(empty_database: str) -> str:
    """Lend a database whose audit log began in September 2025."""
    migrate.apply(empty_database, today=NOW)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("SELECT ensure_partitions('library_audit_log', 'month', '2025-09-01', 15)")
    return empty_database


async def tables(pool: Pool, of: str = "library_audit_log") -> list[str]:
    """Return every table of the log or of another, attached or not."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE %s AND relkind = 'r' ORDER BY 1", [f"{of}_y%"]
        )
        return [row["relname"] async for row in cursor]


async def drop_all(pool: Pool, *, before: datetime) -> int:
    """Drop one after the other, as the sweeper does."""
    partitions, dropped = PostgresPartitions(pool), 0
    while await partitions.drop(before={"library_audit_log": before}, limit=1):
        dropped += 1
    return dropped


async def test_a_partition_goes_when_its_last_day_is_a_year_ago(aged: str) -> None:
    async with open_pool(postgres_settings(aged)) as pool:
        before = await tables(pool)
        assert before[:2] == OLD

        assert await drop_all(pool, before=datetime(2025, 10, 31, 23, tzinfo=UTC)) == 1
        assert await tables(pool) == before[1:]
        assert await drop_all(pool, before=datetime(2025, 11, 1, tzinfo=UTC)) == 1
        assert await tables(pool) == before[2:]
        assert await drop_all(pool, before=NOW - YEAR) == 0


async def test_each_table_has_a_time_of_its_own_and_sums_are_kept(aged: str) -> None:
    with psycopg.connect(aged, autocommit=True) as connection:
        connection.execute(
            "SELECT ensure_partitions('playtime_sessions', 'month', '2024-09-01', 26),"
            "       ensure_partitions('playtime_stats_daily', 'quarter', '2024-07-01', 28)"
        )
    async with open_pool(postgres_settings(aged)) as pool:
        logs, sessions = await tables(pool), await tables(pool, "playtime_sessions")
        before = {"library_audit_log": NOW - YEAR, "playtime_sessions": NOW - timedelta(days=762)}

        assert await PostgresPartitions(pool).drop(before=before, limit=100) == 3

        assert await tables(pool) == logs[2:]
        assert sessions[:2] == ["playtime_sessions_y2024m09", "playtime_sessions_y2024m10"]
        assert await tables(pool, "playtime_sessions") == sessions[1:]
        assert "playtime_stats_daily_y2024q3" in await tables(pool, "playtime_stats_daily")


async def test_several_at_once_drop_each_once(aged: str) -> None:
    async with open_pool(postgres_settings(aged)) as one, open_pool(postgres_settings(aged)) as other:
        counts = await asyncio.gather(*(drop_all(pool, before=NOW - YEAR) for pool in (one, other) * 2))
        rest = await drop_all(one, before=NOW - YEAR)

        assert sum(counts) + rest == len(OLD)
        assert not set(OLD) & set(await tables(one))


@pytest.mark.parametrize("state", ["pending", "detached"])
async def test_what_a_killed_sweeper_left_is_finished(aged: str, state: str) -> None:
    async with open_pool(postgres_settings(aged)) as pool, pool.connection() as connection:
        if state == "detached":
            await connection.execute(f"ALTER TABLE library_audit_log DETACH PARTITION {OLD[0]}")
        else:
            # Whoever reads the log makes the sweeper wait between its two transactions, and there it is stopped.
            async with await psycopg.AsyncConnection.connect(aged) as reader:
                await reader.execute("SELECT count(*) FROM library_audit_log")
                await connection.execute("SET statement_timeout = '200ms'")
                with pytest.raises(psycopg.errors.QueryCanceled):
                    await connection.execute(
                        f"ALTER TABLE library_audit_log DETACH PARTITION {OLD[0]} CONCURRENTLY"
                    )
                await connection.execute("RESET statement_timeout")

        assert await drop_all(pool, before=NOW - YEAR) == len(OLD)

        assert not set(OLD) & set(await tables(pool))


async def test_a_reader_is_waited_for_and_nobody_waits_for_us(aged: str) -> None:
    """While an old transaction keeps the sweeper waiting, writers write."""
    settings = postgres_settings(aged, statement_timeout_milliseconds=10_000)
    async with open_pool(settings) as pool, await psycopg.AsyncConnection.connect(aged) as reader:
        await reader.execute("SELECT count(*) FROM library_audit_log")
        dropping = asyncio.create_task(
            PostgresPartitions(pool).drop(before={"library_audit_log": NOW - YEAR}, limit=1)
        )
        async with asyncio.timeout(10), pool.connection() as writer:
            waiting = sql.SQL(
                "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%CONCURRENTLY' AND wait_event_type = 'Lock'"
            )
            while not await (await writer.execute(waiting)).fetchone():  # noqa: ASYNC110 -- it sends no signal
                await asyncio.sleep(0.01)
            await writer.execute(
                "INSERT INTO library_audit_log (user_id, action, revision, created_at)"
                " VALUES (gen_random_uuid(), 'test', 1, '2026-11-20')"
            )
        assert not dropping.done()
        await reader.rollback()

        assert await dropping == 1


# In November months are made until February, and quarters until March.
@pytest.mark.parametrize(("today", "months"), [("2026-11-30", 3), ("2026-12-01", 2), ("2027-03-01", 0)])
async def test_it_is_known_for_how_long_partitions_are_made(aged: str, today: str, months: int) -> None:
    async with open_pool(postgres_settings(aged)) as pool:
        assert await PostgresPartitions(pool).ahead(now=datetime.fromisoformat(today)) == months


@pytest.mark.parametrize(("today", "months"), [("2026-11-30", 4), ("2027-01-31", 2), ("2027-03-31", 0)])
async def test_a_quarter_is_three_months(aged: str, today: str, months: int) -> None:
    with psycopg.connect(aged, autocommit=True) as connection:
        for table in ("library_audit_log", "playtime_sessions"):
            connection.execute("SELECT ensure_partitions(%s, 'month', '2026-11-01', 12)", [table])
    async with open_pool(postgres_settings(aged)) as pool:
        assert await PostgresPartitions(pool).ahead(now=datetime.fromisoformat(today)) == months
