"""The pipelined connection alone: what it answers, and what becomes of what it does not (performance.md, trick 1)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from conftest import postgres_settings
from integration.postgres.pods import eventually
from psycopg import AsyncConnection
from psycopg import errors as pg
from psycopg.pq import Format
from psycopg.pq.abc import PGresult

from library_adapters.postgres.connection import connection_info
from library_adapters.postgres.hot_reads.pipeline import ConnectionLost, Execute, NoAnswer, Pipeline, Prepare
from library_devstack.stack import Postgres

DOUBLE = Prepare(name=b"double", text=b"SELECT 2 * $1::int4 AS doubled")
DIVIDE = Prepare(name=b"divide", text=b"SELECT 10 / $1::int4 AS divided")
SLEEP = Prepare(name=b"sleep", text=b"SELECT $1::int4 FROM pg_sleep($1::int4)")
REPEAT = Prepare(name=b"repeat", text=b"SELECT repeat($1, 100000) AS repeated")

Outcome = Sequence[PGresult] | psycopg.Error


def execute(statement: Prepare, value: object) -> Execute:
    return Execute(name=statement.name, values=[str(value).encode()], formats=[Format.TEXT])


def number(outcome: Outcome) -> int:
    """Return the number that the first row of the last result is."""
    assert not isinstance(outcome, psycopg.Error), outcome
    return int.from_bytes(outcome[-1].get_value(0, 0) or b"", "big", signed=True)


@dataclass
class Opened:
    """A pipeline, and what it told."""

    connection: AsyncConnection[Any]
    ends: list[psycopg.Error | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(self.connection, on_end=self.ends.append)

    def send(self, *commands: Prepare | Execute) -> asyncio.Future[Outcome]:
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.pipeline.send(*commands, answered=answer.set_result)
        return answer

    async def ask(self, *commands: Prepare | Execute) -> Outcome:
        async with asyncio.timeout(10):
            return await self.send(*commands)


@asynccontextmanager
async def opened(dsn: str, **settings: Any) -> AsyncIterator[Opened]:
    async with await AsyncConnection.connect(
        connection_info(postgres_settings(dsn, **settings)), autocommit=True
    ) as connection:
        pipeline = Opened(connection)
        assert not isinstance(await pipeline.ask(DOUBLE, DIVIDE, SLEEP, REPEAT), psycopg.Error)
        yield pipeline
        pipeline.pipeline.end(None)


async def test_many_are_sent_before_the_first_is_answered_and_answers_keep_their_order(database: str) -> None:
    async with opened(database) as pipeline:
        sent = [pipeline.send(execute(DOUBLE, each)) for each in range(1_000)]
        assert pipeline.pipeline.expected == 1_000

        answers = await asyncio.gather(*sent)

    assert [number(answer) for answer in answers] == [2 * each for each in range(1_000)]


async def test_what_fails_leaves_its_neighbours_alone(database: str) -> None:
    async with opened(database) as pipeline:
        sent = [pipeline.send(execute(DIVIDE, each)) for each in (5, 0, 2)]
        before, failed, after = await asyncio.gather(*sent)

        assert (number(before), number(after)) == (2, 5)
        assert isinstance(failed, pg.DivisionByZero)
        assert pipeline.pipeline.is_open


async def test_statements_of_one_exchange_are_answered_or_refused_together(database: str) -> None:
    async with opened(database) as pipeline:
        both = await pipeline.ask(execute(DOUBLE, 1), execute(DIVIDE, 1))
        failed = await pipeline.ask(execute(DIVIDE, 0), execute(DOUBLE, 1))

    assert not isinstance(both, psycopg.Error)
    assert len(both) == 2
    assert isinstance(failed, pg.DivisionByZero)


async def test_more_than_the_socket_takes_at_once_goes_out_bit_by_bit(database: str) -> None:
    text = "x" * 1_000_000
    async with opened(database) as pipeline:
        sent = [pipeline.send(execute(REPEAT, text))]
        sent += [pipeline.send(execute(REPEAT, "ab")) for _ in range(100)]
        refused, *answers = await asyncio.gather(*sent)

    # A hundred thousand times a million is more than a text may have; the rest are twenty megabytes that we read.
    assert isinstance(refused, pg.ProgramLimitExceeded)
    assert {
        len(answer[0].get_value(0, 0) or b"") for answer in answers if not isinstance(answer, psycopg.Error)
    } == {200_000}


async def test_a_statement_of_no_connection_is_refused_and_the_next_is_not(database: str) -> None:
    async with opened(database) as pipeline:
        unknown = await pipeline.ask(Execute(name=b"unheard of", values=[], formats=[]))
        known = await pipeline.ask(execute(DOUBLE, 21))

    assert isinstance(unknown, pg.InvalidSqlStatementName)
    assert number(known) == 42


async def test_a_connection_that_drops_fails_what_it_had_and_says_so_once(
    database: str, postgres: Postgres
) -> None:
    async with opened(database) as pipeline:
        sent = [pipeline.send(execute(SLEEP, 30)), pipeline.send(execute(DOUBLE, 1))]
        await disconnect(pipeline, postgres)
        answers = await asyncio.gather(*sent)
        later = await pipeline.ask(execute(DOUBLE, 1))

    assert [type(answer) for answer in [*answers, later]] == [ConnectionLost] * 3
    assert len({id(answer) for answer in answers}) == 2
    assert [type(each) for each in pipeline.ends] == [ConnectionLost]


async def test_a_connection_that_drops_while_nobody_asks_is_noticed(
    database: str, postgres: Postgres
) -> None:
    async with opened(database) as pipeline:
        await disconnect(pipeline, postgres)

        await eventually(lambda: pipeline.ends)

    assert not pipeline.pipeline.is_open


async def test_a_frozen_server_is_given_up_from_outside(database: str, postgres: Postgres) -> None:
    async with opened(database) as pipeline:
        postgres.pause()
        try:
            sent = pipeline.send(execute(DOUBLE, 1))
            pipeline.pipeline.look()
            assert not sent.done()
            pipeline.pipeline.end(NoAnswer("too long"))

            assert isinstance(await sent, NoAnswer)
        finally:
            postgres.resume()


async def test_one_that_retires_answers_what_it_has_first(database: str) -> None:
    async with opened(database) as pipeline:
        sent = pipeline.send(execute(SLEEP, 0))
        pipeline.pipeline.retire()
        assert pipeline.pipeline.is_open

        answer = await sent

        assert not isinstance(answer, psycopg.Error)
        assert pipeline.ends == [None]


async def test_an_idle_one_retires_at_once(database: str) -> None:
    async with opened(database) as pipeline:
        pipeline.pipeline.retire()

        assert pipeline.ends == [None]


async def test_the_servers_time_limit_ends_the_statement_and_not_the_connection(database: str) -> None:
    async with opened(database, statement_timeout_milliseconds=100) as pipeline:
        late = await pipeline.ask(execute(SLEEP, 1))
        next_one = await pipeline.ask(execute(DOUBLE, 1))

    assert isinstance(late, pg.QueryCanceled)
    assert number(next_one) == 2


async def disconnect(pipeline: Opened, postgres: Postgres) -> None:
    """End the session of the pipeline on the server."""
    pid = pipeline.connection.pgconn.backend_pid
    async with await AsyncConnection.connect(postgres.superuser_dsn(), autocommit=True) as superuser:
        await superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
