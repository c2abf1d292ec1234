"""Partitions are made ahead, by anybody, at any time, beside whatever is there (data 26)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from builders import game_added, game_id, user_id
from conftest import postgres_settings
from fakes.clock import FakeClock, SequentialIds

from library_adapters.postgres import migrate
from library_adapters.postgres.maintenance import PostgresPartitions
from library_adapters.postgres.pool import Pool, open_pool
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_domain.shared.errors import DependencyUnavailable

OCTOBER = datetime(2026, 10, 15, tzinfo=UTC)
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
JUST_BEFORE = timedelta(microseconds=1)


@pytest.fixture
def october(any_empty_database: str) -> Iterator[psycopg.Connection]:
    """Give a database that was migrated in October: partitions to January."""
    migrate.apply(any_empty_database, today=OCTOBER)
    with psycopg.connect(any_empty_database, autocommit=True) as connection:
        yield connection


def partitions(connection: psycopg.Connection, of: str = "library_audit_log") -> list[str]:
    found = connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass ORDER BY 1", [of]
    )
    return [name.removeprefix(f"{of}_") for (name,) in found]


def ensure(connection: psycopg.Connection, since: str, months: int) -> int:
    row = connection.execute(
        "SELECT ensure_partitions('library_audit_log', 'month', %s, %s)", [since, months]
    ).fetchone()
    assert row is not None
    return int(row[0])


def audit(connection: psycopg.Connection, at: datetime) -> str:
    """Write an audit row; return the partition that it went to."""
    row = connection.execute(
        "INSERT INTO library_audit_log (id, user_id, action, revision, created_at)"
        " VALUES (%s, %s, 'add_game', 1, %s) RETURNING tableoid::regclass::text",
        [UUID(int=1), user_id("alice"), at],
    ).fetchone()
    assert row is not None
    return str(row[0]).removeprefix("library_audit_log_")


def test_they_reach_three_months_ahead_over_the_turn_of_the_year(october: psycopg.Connection) -> None:
    assert partitions(october) == ["y2026m10", "y2026m11", "y2026m12", "y2027m01"]


def test_making_them_again_makes_only_what_is_missing(october: psycopg.Connection) -> None:
    assert ensure(october, "2026-10-31", 3) == 0
    assert ensure(october, "2026-11-01", 3) == 1
    assert ensure(october, "2026-08-31", 0) == 1
    assert partitions(october) == ["y2026m08", "y2026m10", "y2026m11", "y2026m12", "y2027m01", "y2027m02"]


@pytest.mark.parametrize("timezone", ["UTC", "Asia/Vladivostok", "America/Los_Angeles"])
def test_months_begin_and_end_at_midnight_in_utc_wherever_they_are_made(
    october: psycopg.Connection, timezone: str
) -> None:
    october.execute("SELECT set_config('timezone', %s, false)", [timezone])
    assert ensure(october, "2027-02-28", 1) == 2

    for month in range(1, 4):
        begins = NEW_YEAR.replace(month=month)
        assert audit(october, begins) == f"y2027m{month:02}"
        assert audit(october, begins - JUST_BEFORE) == (f"y2027m{month - 1:02}" if month > 1 else "y2026m12")


class TestQuarters:
    def test_reach_three_months_ahead_as_months_do(self, october: psycopg.Connection) -> None:
        assert partitions(october, "playtime_stats_daily") == ["y2026q4", "y2027q1"]
        assert partitions(october, "playtime_sessions") == partitions(october)

    @pytest.mark.parametrize("timezone", ["UTC", "Asia/Vladivostok", "America/Los_Angeles"])
    def test_begin_and_end_with_their_days_wherever_they_are_made(
        self, october: psycopg.Connection, timezone: str
    ) -> None:
        october.execute("SELECT set_config('timezone', %s, false)", [timezone])
        october.execute("SELECT ensure_partitions('playtime_stats_daily', 'quarter', '2027-05-31', 3)")

        in_order = {
            f"2027-{first:02}-01": f"2027-{first + 2:02}-{last}"
            for first, last in ((1, 31), (4, 30), (7, 30))
        }
        for quarter, days in enumerate(in_order.items(), start=1):
            for day in days:
                assert self.counted(october, day) == f"y2027q{quarter}"
        assert self.counted(october, "2026-12-31") == "y2026q4"

    @staticmethod
    def counted(connection: psycopg.Connection, day: str) -> str:
        """Write a day's sum; return the partition that it went to."""
        row = connection.execute(
            "INSERT INTO playtime_stats_daily (user_id, date, game_id, library_item_id, last_played_at, revision)"
            " VALUES (%s, %s, %s, %s, %s, 1) RETURNING tableoid::regclass::text",
            [user_id("alice"), day, game_id("Portal 2"), UUID(int=1), OCTOBER],
        ).fetchone()
        assert row is not None
        return str(row[0]).removeprefix("playtime_stats_daily_")


THIS_RELEASES = "SELECT ensure_partitions('library_audit_log', 'month', '2026-10-01', 15)"
THE_LAST_RELEASES = "SELECT ensure_monthly_partitions('library_audit_log', '2026-10-01', 15)"


@pytest.mark.parametrize(
    "statements",
    [(THIS_RELEASES, THIS_RELEASES), (THIS_RELEASES, THE_LAST_RELEASES)],
    ids=["of this release", "of two releases"],
)
def test_twenty_makers_at_once_make_each_once(any_empty_database: str, statements: tuple[str, str]) -> None:
    migrate.apply(any_empty_database, today=OCTOBER)

    async def make_all() -> list[int]:
        async with AsyncExitStack() as stack:
            connections = [
                await stack.enter_async_context(
                    await psycopg.AsyncConnection.connect(any_empty_database, autocommit=True)
                )
                for _ in range(20)
            ]

            async def make(connection: psycopg.AsyncConnection, statement: str) -> int:
                cursor = await connection.execute(statement.encode())
                return int((await cursor.fetchone() or (0,))[0])

            return list(await asyncio.gather(*map(make, connections, statements * 10)))

    made = asyncio.run(make_all())

    assert sum(made) == 12
    assert max(made) == 12, "one maker makes all, the others find them made"


def test_they_are_attached_beside_rows_and_writers_without_waiting(
    any_empty_database: str, october: psycopg.Connection
) -> None:
    audit(october, OCTOBER)
    october.execute("SET lock_timeout = '200ms'")

    with psycopg.connect(any_empty_database) as writer:
        audit(writer, OCTOBER + timedelta(days=1))
        assert ensure(october, "2027-02-01", 0) == 1

    assert audit(october, NEW_YEAR.replace(month=2)) == "y2027m02"


def test_a_table_that_was_made_but_not_attached_is_attached(october: psycopg.Connection) -> None:
    october.execute("ALTER TABLE library_audit_log DETACH PARTITION library_audit_log_y2027m01")

    assert ensure(october, "2026-10-01", 3) == 1
    assert audit(october, NEW_YEAR) == "y2027m01"


def test_each_has_the_primary_key_of_the_whole(october: psycopg.Connection) -> None:
    with_key = october.execute(
        "SELECT conrelid::regclass::text FROM pg_constraint"
        " WHERE contype = 'p' AND conrelid::regclass::text LIKE 'library_audit_log_y%'"
    ).fetchall()

    assert len(with_key) == len(partitions(october))


@pytest.fixture
async def narrow_pool(october: psycopg.Connection, any_empty_database: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_settings(any_empty_database)) as pool:
        yield pool


async def test_a_month_that_nobody_made_refuses_the_whole_transaction_loudly(
    narrow_pool: Pool, any_empty_database: str, ids: SequentialIds
) -> None:
    settings = postgres_settings(any_empty_database)
    uow = PostgresUnitOfWork(narrow_pool, settings, clock=FakeClock(NEW_YEAR.replace(month=2)), ids=ids)

    # No bug of the event's: its consumer waits for the sweeper instead of giving the event up.
    with pytest.raises(DependencyUnavailable) as unavailable:
        async with uow.begin(user_id("alice")) as tx:
            tx.record(game_added(user_id("alice"), game_id("Portal 2")))
    assert "no partition of relation" in str(unavailable.value.__cause__)

    async with narrow_pool.connection() as connection:
        assert await (await connection.execute("SELECT FROM outbox")).fetchall() == []
        assert await (await connection.execute("SELECT FROM user_revisions")).fetchall() == []


async def test_the_sweeper_makes_them_too(narrow_pool: Pool) -> None:
    partitions = PostgresPartitions(narrow_pool)

    # Of two tables each month, of one the quarter that they make.
    assert await partitions.ensure(now=NEW_YEAR) == 2 * migrate.MONTHS_AHEAD + 1
    assert await partitions.ensure(now=NEW_YEAR) == 0
