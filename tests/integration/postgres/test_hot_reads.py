"""Reads in batches over shared connections: who waits for whom, and what each loses when something breaks (data 31)."""

import asyncio
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

import psycopg
import pytest
from builders import NOON, user_id
from conftest import postgres_settings
from integration.postgres.pods import eventually, open_pod, unavailable
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from psycopg import errors as pg

from library_adapters.postgres import migrate
from library_adapters.postgres.deadline import within
from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.hot_reads.batches import HotReads, open_hot_reads
from library_adapters.postgres.hot_reads.library import LIBRARY_READS, HotLibraryReader
from library_adapters.postgres.hot_reads.reads import Read
from library_adapters.postgres.settings import HotReadSettings
from library_adapters.telemetry import Tracing, TracingSettings
from library_devstack.stack import Postgres

FRAME = "SELECT member.n, 1 AS place, {} FROM unnest(%(each_value)s::bigint[]) WITH ORDINALITY AS member (value, n)"
DIVIDE = Read.made_of("divide", {"divide": FRAME.format("10 / member.value AS divided")})
DOUBLE = Read.made_of("double", {"double": FRAME.format("2 * member.value AS doubled")})
ADD = Read.made_of("add", {"add": FRAME.format("member.value + %(more)s::bigint AS sum")})
SLEEP = Read.made_of("sleep", {"sleep": FRAME.format("member.value, pg_sleep(member.value / 1000.0)")})
LOCKED = Read.made_of(
    "locked", {"locked": FRAME.format("member.value, pg_advisory_xact_lock_shared(1, member.value::int)")}
)
ENDLESS = Read.made_of(
    "endless",
    {
        "endless": FRAME.format(
            f"CASE member.value WHEN 0 THEN 'infinity'::timestamptz ELSE '{NOON.isoformat()}' END"
        )
    },
)
READS = (ENDLESS, DIVIDE, DOUBLE, ADD, SLEEP, LOCKED)


@dataclass
class Opened:
    """Hot reads, and what they count."""

    hot: HotReads
    registry: CollectorRegistry

    async def ask(self, read: Read, value: int, shared: dict[str, object] | None = None) -> Any:
        (rows,) = await self.hot.ask(read, [read.line(value=value)], read.share(shared or {}))
        ((row,),) = rows.of_line
        return rows.mapping(row)[rows.names[0]]

    async def ready(self) -> None:
        """Wait until both connections are open."""
        await eventually(lambda: all(lane.pipeline for lane in self.hot._lanes))

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"library_hot_read_{name}", labels) or 0.0

    def batches(self, kind: str) -> float:
        return self.counted("batch_size_count", read=kind)


@asynccontextmanager
async def opened(
    dsn: str, *, tracer_provider: Any = None, lifetime: float = 1_800, **hot: Any
) -> AsyncIterator[Opened]:
    registry = CollectorRegistry()
    settings = postgres_settings(dsn, hot_reads=HotReadSettings(**hot), connection_lifetime_seconds=lifetime)
    async with open_hot_reads(
        settings, reads=READS, registry=registry, tracer_provider=tracer_provider
    ) as hot_reads:
        reads = Opened(hot_reads, registry)
        await reads.ready()
        yield reads


@asynccontextmanager
async def locked(dsn: str, number: int = 1) -> AsyncIterator[None]:
    """Hold what reads of the kind `locked` wait for."""
    async with await psycopg.AsyncConnection.connect(dsn) as holder, holder.transaction():
        await holder.execute("SELECT pg_advisory_xact_lock(1, %s)", [number])
        yield


async def outcome(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except psycopg.Error as error:
        return type(error)


class TestBatches:
    async def test_who_comes_alone_is_read_for_alone(self, empty_database: str) -> None:
        async with opened(empty_database) as reads:
            assert [await reads.ask(DOUBLE, each) for each in range(3)] == [0, 2, 4]

            assert reads.batches("double") == 3

    async def test_who_comes_together_is_read_for_together(self, empty_database: str) -> None:
        async with opened(empty_database) as reads:
            answers = await asyncio.gather(*(reads.ask(DOUBLE, each) for each in range(128)))

            assert answers == [2 * each for each in range(128)]
            assert reads.batches("double") == 2

    async def test_a_batch_has_its_bound(self, empty_database: str) -> None:
        async with opened(empty_database, batch=10) as reads:
            await asyncio.gather(*(reads.ask(DOUBLE, each) for each in range(100)))

            assert (
                reads.counted("batch_size_bucket", read="double", le="16.0") == reads.batches("double") >= 10
            )

    async def test_what_they_do_not_have_in_common_divides_them(self, empty_database: str) -> None:
        async with opened(empty_database) as reads:
            answers = await asyncio.gather(*(reads.ask(ADD, each, {"more": each % 3}) for each in range(30)))

            assert answers == [each + each % 3 for each in range(30)]
            assert reads.batches("add") == 3

    async def test_many_lines_of_one_are_not_divided(self, empty_database: str) -> None:
        async with opened(empty_database, batch=10) as reads:
            (rows,) = await reads.hot.ask(DOUBLE, [DOUBLE.line(value=each) for each in range(100)])

            assert [line[0][-1] for line in rows.of_line] == [2 * each for each in range(100)]
            assert reads.batches("double") == 1

    async def test_a_bad_one_fails_alone(self, empty_database: str) -> None:
        async with opened(empty_database) as reads:
            answers = await asyncio.gather(*(outcome(reads.ask(DIVIDE, each)) for each in (5, 0, 2, 1)))

            assert answers == [2, pg.DivisionByZero, 5, 10]
            assert reads.counted("retries_total", reason="refused") == 4

    async def test_an_answer_that_cannot_be_read_fails_alone(self, empty_database: str) -> None:
        async with opened(empty_database) as reads:
            answers = await asyncio.gather(*(outcome(reads.ask(ENDLESS, each)) for each in (1, 0, 2)))

            assert answers == [NOON, psycopg.DataError, NOON]

    async def test_a_value_of_another_type_fails_before_it_is_sent(self, empty_database: str) -> None:
        async with opened(empty_database) as reads:
            with pytest.raises(struct.error):
                await reads.ask(DOUBLE, 2**63)

            assert await reads.ask(DOUBLE, 2**61) == 2**62


class TestWhoWaits:
    async def test_what_blocks_delays_nothing_unrelated(self, empty_database: str) -> None:
        async with opened(empty_database, statement_timeout_milliseconds=10_000) as reads:
            async with locked(empty_database):
                blocked = [asyncio.create_task(reads.ask(LOCKED, 1)) for _ in range(200)]
                await eventually(lambda: reads.batches("locked"))

                async with asyncio.timeout(1.0):
                    others = [await reads.ask(kind, 1) for kind in (DOUBLE, DIVIDE) for _ in range(20)]
                assert set(others) == {2, 10}
                assert not any(task.done() for task in blocked)

            assert await asyncio.gather(*blocked) == [1] * 200

    async def test_nobody_is_forgotten_while_others_keep_coming(self, empty_database: str) -> None:
        stopping = asyncio.Event()

        async def insist(kind: Read) -> None:
            while not stopping.is_set():
                await reads.ask(kind, 1)

        async with opened(empty_database) as reads, asyncio.TaskGroup() as crowd:
            for kind in (DOUBLE, DIVIDE, ADD):
                for _ in range(10):
                    crowd.create_task(insist(kind) if kind is not ADD else add(reads, stopping))
            async with asyncio.timeout(5):
                for _ in range(20):
                    assert await reads.ask(SLEEP, 0) == 0
            stopping.set()

    async def test_a_slow_one_ends_at_the_servers_limit_and_its_neighbours_do_not(
        self, empty_database: str
    ) -> None:
        async with opened(empty_database, statement_timeout_milliseconds=300) as reads:
            answers = await asyncio.gather(*(outcome(reads.ask(SLEEP, each)) for each in (1, 5_000, 2)))

        assert answers == [1, pg.QueryCanceled, 2]

    async def test_a_full_queue_turns_away_at_once(self, empty_database: str) -> None:
        async with (
            opened(empty_database, connections=1, in_flight=1, batch=1, waiting_max=3) as reads,
            locked(empty_database),
        ):
            sent = asyncio.create_task(outcome(reads.ask(LOCKED, 1)))
            await eventually(lambda: reads.batches("locked"))
            queued = [asyncio.create_task(outcome(reads.ask(DOUBLE, 1))) for _ in range(3)]
            await eventually(lambda: reads.registry.get_sample_value("library_hot_reads_waiting") == 3)

            began = monotonic()
            refused = await outcome(reads.ask(DOUBLE, 1))
            assert (refused, monotonic() - began < 0.1) == (psycopg.OperationalError, True)

            queued[0].cancel()
            await asyncio.gather(queued[0], return_exceptions=True)
            queued[0] = asyncio.create_task(outcome(reads.ask(DOUBLE, 1)))
            await asyncio.gather(sent, *queued)

    async def test_who_leaves_makes_room_and_disturbs_nobody(self, empty_database: str) -> None:
        async with opened(empty_database) as reads:
            tasks = [asyncio.create_task(reads.ask(SLEEP, 50)) for _ in range(20)]
            await eventually(lambda: reads.batches("sleep"))
            for task in tasks[::2]:
                task.cancel()
            late = [asyncio.create_task(reads.ask(DOUBLE, each)) for each in range(10)]
            late[3].cancel()

            left = await asyncio.gather(*tasks, *late, return_exceptions=True)

            assert Counter(map(type, left)) == {asyncio.CancelledError: 11, int: 19}
            assert reads.registry.get_sample_value("library_hot_reads_waiting") == 0
            assert reads.counted("batches_in_flight") == 0

    async def test_nothing_is_begun_for_whom_nobody_waits(self, empty_database: str) -> None:
        async with opened(empty_database) as reads:
            with within(0):
                assert await outcome(reads.ask(DOUBLE, 1)) is psycopg.OperationalError

            assert reads.batches("double") == 0


class TestLoss:
    async def test_a_lost_connection_costs_its_own_one_retry(self, empty_database: str) -> None:
        async with opened(empty_database) as reads:
            async with locked(empty_database):
                waiting = [asyncio.create_task(outcome(reads.ask(LOCKED, 1))) for _ in range(10)]
                await eventually(lambda: reads.batches("locked"))
                await disconnect(empty_database)
            answers = await asyncio.gather(*waiting)

            assert answers == [1] * 10
            assert reads.counted("retries_total", reason="lost") == 10

    async def test_who_loses_a_second_connection_is_told(self, empty_database: str) -> None:
        async with opened(empty_database) as reads, locked(empty_database):
            waiting = asyncio.create_task(outcome(reads.ask(LOCKED, 1)))
            await eventually(lambda: reads.batches("locked") == 1)
            await disconnect(empty_database)
            await eventually(lambda: reads.batches("locked") == 2)
            await disconnect(empty_database)

            assert issubclass(await waiting, psycopg.OperationalError)

    async def test_losing_all_connections_again_and_again_is_not_seen(self, empty_database: str) -> None:
        async with opened(empty_database) as reads:
            for _ in range(5):
                await reads.ready()
                readers = [asyncio.create_task(outcome(reads.ask(SLEEP, 5))) for _ in range(100)]
                await disconnect(empty_database)
                assert await asyncio.gather(*readers) == [5] * 100

    async def test_a_connection_that_has_lived_long_enough_is_renewed_unseen(
        self, empty_database: str
    ) -> None:
        async with opened(empty_database, lifetime=0.1) as reads:
            first = [lane.pipeline for lane in reads.hot._lanes]

            while any(lane.pipeline in first for lane in reads.hot._lanes):
                assert await asyncio.gather(*(reads.ask(SLEEP, 3) for _ in range(10))) == [3] * 10

            assert reads.counted("retries_total", reason="lost") == 0

    async def test_statements_that_a_migration_made_stale_are_prepared_anew(
        self, empty_database: str
    ) -> None:
        async with await psycopg.AsyncConnection.connect(empty_database, autocommit=True) as migration:
            await migration.execute("CREATE TABLE told AS SELECT 7::int4 AS value")
            text = FRAME.format("told.value") + " CROSS JOIN told"
            told = Read.made_of("told", {"told": text})
            settings = postgres_settings(empty_database)
            async with open_hot_reads(settings, reads=[told], registry=CollectorRegistry()) as hot:
                reads = Opened(hot, CollectorRegistry())
                assert await reads.ask(told, 0) == 7
                await migration.execute("ALTER TABLE told ALTER value TYPE text")

                assert await reads.ask(told, 0) == "7"


class TestAbsence:
    async def test_a_frozen_server_fails_every_read_in_time(
        self, empty_database: str, postgres: Postgres
    ) -> None:
        async with opened(empty_database) as reads:
            postgres.pause()
            try:
                began = monotonic()
                calls = [hot_unavailable(reads.ask(DOUBLE, each)) for each in range(200)]
                failed = await asyncio.gather(*calls)
                later = await hot_unavailable(reads.ask(DOUBLE, 1))
                took = monotonic() - began
            finally:
                postgres.resume()

            assert all(failed)
            assert later
            # The server's second for a statement, one for the way, one in the queue, and this machine's own hesitation.
            assert took < 4.5
            async with asyncio.timeout(5):
                while await hot_unavailable(reads.ask(DOUBLE, 1)):
                    pass

    async def test_a_server_that_is_away_is_waited_for_a_second(
        self, empty_database: str, postgres: Postgres
    ) -> None:
        async with opened(empty_database) as reads:
            await asyncio.to_thread(postgres.stop)
            try:
                began = monotonic()
                assert await hot_unavailable(reads.ask(DOUBLE, 1))
                assert 0.5 < monotonic() - began < 3.0
            finally:
                await asyncio.to_thread(postgres.start)

            async with asyncio.timeout(5):
                while await hot_unavailable(reads.ask(DOUBLE, 1)):
                    pass

    async def test_a_database_that_nobody_migrated_yet_is_waited_for(self, empty_database: str) -> None:
        settings = postgres_settings(empty_database)
        async with (
            open_pod(empty_database) as pod,
            open_hot_reads(settings, reads=LIBRARY_READS, registry=CollectorRegistry()) as hot,
        ):
            reader = HotLibraryReader(pod.pool, hot)
            assert await unavailable(reader.version(user_id("alice"), now=NOON))

            await asyncio.to_thread(migrate.apply, empty_database)

            async with asyncio.timeout(10):
                while await unavailable(reader.version(user_id("alice"), now=NOON)):
                    pass

    async def test_who_waits_when_the_process_stops_is_told(self, empty_database: str) -> None:
        async with (
            locked(empty_database),
            opened(empty_database, connections=1, in_flight=1, batch=1) as reads,
        ):
            waiting = [asyncio.create_task(outcome(reads.ask(LOCKED, 1))) for _ in range(3)]
            await eventually(lambda: reads.batches("locked"))
            reads.hot.close()

            told = await asyncio.gather(*waiting[1:], outcome(reads.ask(DOUBLE, 1)))
        async with asyncio.timeout(0.5):
            told.append(await waiting[0])

        assert all(issubclass(each, psycopg.OperationalError) for each in told)


class TestSpans:
    @pytest.mark.parametrize(("ratio", "spans"), [(1.0, ["SELECT", "request"]), (0.0, [])])
    async def test_a_read_is_a_span_of_its_request(
        self, empty_database: str, ratio: float, spans: list[str]
    ) -> None:
        exporter = InMemorySpanExporter()
        tracing = Tracing(TracingSettings(ratio=ratio), component="api", exporter=exporter)
        async with opened(empty_database, tracer_provider=tracing.provider) as reads:
            with tracing.tracer.start_as_current_span("request"):
                await reads.ask(DOUBLE, 1)
                assert trace.get_current_span().is_recording() == bool(spans)

        ended = exporter.get_finished_spans()
        assert [span.name for span in ended] == spans
        for span in ended[:1]:
            assert span.parent
            assert (span.attributes or {})["db.system"] == "postgresql"


async def add(reads: Opened, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        await reads.ask(ADD, 1, {"more": 1})


async def hot_unavailable(call: Awaitable[Any]) -> bool:
    async def translated() -> None:
        with driver_errors():
            await call

    return await unavailable(translated())


async def disconnect(dsn: str) -> None:
    """End the sessions that wait for a lock or for orders, as a failover does, but not the one that holds the lock."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as surgeon:
        await surgeon.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle in transaction'"
        )
