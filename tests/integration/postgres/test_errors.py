"""Which of the database's errors pass by themselves, and which are ours to mend (architecture, law 6)."""

import asyncio

import psycopg
import pytest
from builders import NOON, game_added, game_id, user_id
from integration.postgres.pods import open_pod, unavailable
from psycopg import errors as pg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from library_adapters.postgres import migrate
from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.outbox import PostgresOutboxShards
from library_adapters.postgres.pool import ping
from library_adapters.system import SystemClock
from library_devstack.stack import Postgres
from library_domain.library.queries import LibraryQuery
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import OUTBOX_SHARDS

ALICE = user_id("alice")

PASSES = [
    psycopg.OperationalError,  # the driver's own: the connection is refused or gone
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
    pg.ConnectionFailure,
    pg.TooManyConnections,
    pg.DiskFull,
    pg.OutOfMemory,
    pg.AdminShutdown,
    pg.CrashShutdown,
    pg.CannotConnectNow,
    pg.IdleInTransactionSessionTimeout,
    pg.LockNotAvailable,
    pg.QueryCanceled,
    pg.DeadlockDetected,
    pg.SerializationFailure,
    pg.ReadOnlySqlTransaction,
    pg.InvalidSchemaName,  # the migration job has not come yet
    pg.UndefinedTable,
    pg.UndefinedColumn,
    pg.UndefinedFunction,
]
BUGS = [
    pg.UniqueViolation,
    pg.CheckViolation,
    pg.ForeignKeyViolation,
    pg.NotNullViolation,
    pg.SyntaxError,
    pg.InsufficientPrivilege,
    pg.InvalidPassword,
    pg.NumericValueOutOfRange,
    pg.InFailedSqlTransaction,
    psycopg.InterfaceError,
    psycopg.ProgrammingError,
]


@pytest.mark.parametrize("error", PASSES)
def test_what_passes_by_itself_is_unavailable(error: type[psycopg.Error]) -> None:
    with pytest.raises(DependencyUnavailable) as unavailable, driver_errors():
        raise error

    assert unavailable.value.details == {"dependency": "postgres"}
    assert isinstance(unavailable.value.__cause__, error)


@pytest.mark.parametrize("error", BUGS)
def test_what_somebody_must_mend_stays_what_it_is(error: type[psycopg.Error]) -> None:
    with pytest.raises(error), driver_errors():
        raise error


def test_what_is_not_the_databases_passes_through() -> None:
    with pytest.raises(LookupError), driver_errors():
        raise LookupError


async def test_an_event_too_large_for_kafka_is_refused_where_it_is_written(database: str) -> None:
    async with open_pod(database) as pod:
        with pytest.raises(pg.CheckViolation, match="outbox_payload_fits_kafka"):
            async with pod.uow.begin(ALICE) as tx:
                tx.record(game_added(ALICE, game_id("Portal 2"), game_name="x" * 524_288))

        assert await pod.revision(ALICE) == 0
        async with pod.uow.begin(ALICE) as tx:
            tx.record(game_added(ALICE, game_id("Portal 2")))
        assert await pod.revision(ALICE) == 1


async def test_a_server_without_a_connection_left_is_unavailable(database: str, postgres: Postgres) -> None:
    async with (
        open_pod(database, pool_timeout_seconds=0.2) as pod,
        PostgresOutboxShards(pod.settings, clock=SystemClock()) as shards,
        await psycopg.AsyncConnection.connect(postgres.superuser_dsn(), autocommit=True) as superuser,
    ):
        await ping(pod.pool)
        # To a role, its own limit and the server's are one: both are 53300.
        await superuser.execute("ALTER ROLE library CONNECTION LIMIT 0")
        try:
            await superuser.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'library'"
            )
            assert await unavailable(ping(pod.pool))
            assert await unavailable(shards.claim())
        finally:
            await superuser.execute("ALTER ROLE library CONNECTION LIMIT -1")

        assert await shards.claim() == OUTBOX_SHARDS


async def test_a_database_that_nobody_migrated_yet_is_waited_for(empty_database: str) -> None:
    async with (
        open_pod(empty_database) as pod,
        PostgresOutboxShards(pod.settings, clock=SystemClock()) as shards,
    ):
        assert await unavailable(pod.reader.page(ALICE, LibraryQuery(), now=NOON))
        await shards.claim()
        assert await unavailable(shards.pending(limit=1))

        await asyncio.to_thread(migrate.apply, empty_database)

        assert (await pod.reader.page(ALICE, LibraryQuery(), now=NOON)).total == 0
        await shards.claim()
        assert list(await shards.pending(limit=1)) == []
