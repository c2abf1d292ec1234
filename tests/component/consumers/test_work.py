"""`library-consumers work` as a process: jobs are done, by whoever lives; starts and ends."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import httpx
import psycopg
import pytest
from component.consumers.processes import SECONDS, Environment, all_up, ended, readiness, started
from unit.adapters.catalog.scripted import ScriptedCatalog, ScriptedIssuer, described, issuing, serving
from unit.adapters.catalog.scripted import game_id as numbered

from library_devstack.stack import Postgres

GAMES = 60


def leave(dsn: str, *games: object) -> None:
    """Leave stubs and their jobs, as purchases do while Catalog is away."""
    now = datetime.now(UTC)
    with psycopg.connect(dsn) as connection:
        for game in games:
            connection.execute(
                "INSERT INTO catalog.games (game_id, product_type, is_stub, event_at, event_id)"
                " VALUES (%s, 'game', true, %s, %s)",
                (game, now, game),
            )
            connection.execute(
                "INSERT INTO jobs (kind, key, due_at, created_at, updated_at)"
                " VALUES ('catalog.fetch_metadata', %s, %s, %s, %s)",
                (str(game), now, now, now),
            )


def named(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM catalog.games WHERE NOT is_stub").fetchone()
    return int(row[0]) if row else 0


def jobs(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM jobs").fetchone()
    return int(row[0]) if row else 0


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 -- another process sets no event of ours
            await asyncio.sleep(0.05)


async def metric(port: int, sample: str) -> float:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        text = (await client.get("/metrics")).text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(sample))


def with_catalog(environment: Environment, port: int, issuer: ScriptedIssuer) -> Environment:
    return environment | {
        "LIBRARY_CATALOG__ADDRESS": f"127.0.0.1:{port}",
        "LIBRARY_CATALOG__TOKEN_URL": f"http://127.0.0.1:{issuer.port}/token",
        "LIBRARY_CATALOG__LIMITS__TRY_SECONDS": "5",
        "LIBRARY_CATALOG__LIMITS__TOTAL_SECONDS": "8",
        "LIBRARY_WORK__LEASE_SECONDS": "3",
        "LIBRARY_WORK__UPKEEP_SECONDS": "0.1",
    }


@pytest.fixture
def catalog() -> ScriptedCatalog:
    catalog = ScriptedCatalog()
    catalog.describe(*(described(number) for number in range(GAMES)))
    return catalog


async def test_names_come_when_catalog_is_back(
    connected: Environment, database: str, catalog: ScriptedCatalog, unused_tcp_port: int
) -> None:
    issuer = ScriptedIssuer()
    away = asyncio.Event()
    away.set()

    async def refuse_at_first() -> None:
        if away.is_set():
            raise ConnectionError

    catalog.does = refuse_at_first
    leave(database, *map(numbered, range(GAMES)))
    async with issuing(issuer), serving(catalog) as port:
        environment = with_catalog(connected, port, issuer)
        async with started("work", environment, unused_tcp_port) as work:
            await readiness(unused_tcp_port, all_up)
            await until(lambda: bool(catalog.asked))
            away.clear()
            await until(lambda: named(database) == GAMES and jobs(database) == 0)

            label = 'door="jobs",operation="catalog.fetch_metadata"'
            assert await metric(unused_tcp_port, f'library_requests_total{{{label},outcome="done"}}') == GAMES
            assert await metric(unused_tcp_port, "library_jobs_failed") == 0
            assert await ended(work) == 0


async def test_the_jobs_of_a_killed_runner_are_done_by_the_others(
    connected: Environment,
    database: str,
    catalog: ScriptedCatalog,
    unused_tcp_port_factory: Callable[[], int],
) -> None:
    """Catalog holds every answer back, so that each runner has its hands full when one of them dies."""
    issuer = ScriptedIssuer()
    go = asyncio.Event()
    catalog.does = go.wait
    leave(database, *map(numbered, range(GAMES)))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(issuing(issuer))
        environment = with_catalog(connected, await stack.enter_async_context(serving(catalog)), issuer)
        runners = []
        for _ in range(3):
            port = unused_tcp_port_factory()
            runners.append(await stack.enter_async_context(started("work", environment, port)))
        # Five of each: three places are kept for the other kinds.
        await until(lambda: len(catalog.asked) >= 15)
        runners[0].kill()
        await runners[0].wait()
        go.set()

        await until(lambda: named(database) == GAMES and jobs(database) == 0)

        assert [await ended(runner) for runner in runners[1:]] == [0, 0]


async def test_a_step_in_hand_is_finished_after_sigterm(
    connected: Environment, database: str, catalog: ScriptedCatalog, unused_tcp_port: int
) -> None:
    issuer = ScriptedIssuer()
    go = asyncio.Event()
    catalog.does = go.wait
    leave(database, numbered(1))
    async with issuing(issuer), serving(catalog) as port:
        environment = with_catalog(connected, port, issuer)
        async with started("work", environment, unused_tcp_port) as work:
            await until(lambda: bool(catalog.asked))
            ending = asyncio.create_task(ended(work))
            body = await readiness(unused_tcp_port, lambda answer: answer.status_code == 503)
            assert body["status"] == "draining"
            assert not ending.done()
            go.set()

            assert await ending == 0

    assert (named(database), jobs(database)) == (1, 0)


async def test_work_goes_on_after_the_database_was_away(
    connected: Environment, database: str, postgres: Postgres, catalog: ScriptedCatalog, unused_tcp_port: int
) -> None:
    issuer = ScriptedIssuer()
    async with issuing(issuer), serving(catalog) as port:
        environment = with_catalog(connected, port, issuer)
        async with started("work", environment, unused_tcp_port) as work:
            await readiness(unused_tcp_port, all_up)
            await asyncio.to_thread(postgres.stop)
            try:
                await readiness(
                    unused_tcp_port,
                    lambda answer: answer.json()["dependencies"]["postgres"]["status"] == "down",
                )
            finally:
                await asyncio.to_thread(postgres.start)
            leave(database, numbered(1))

            await until(lambda: named(database) == 1 and jobs(database) == 0)

            assert await ended(work) == 0


async def test_it_lives_and_says_so_while_everything_is_away(
    environment: Environment, unused_tcp_port: int
) -> None:
    async with started("work", environment, unused_tcp_port) as work:
        body = await readiness(unused_tcp_port, lambda answer: answer.status_code == 200)
        assert body["status"] == "ready"
        await readiness(
            unused_tcp_port, lambda answer: answer.json()["dependencies"]["postgres"]["status"] == "down"
        )

        assert await ended(work) == 0
