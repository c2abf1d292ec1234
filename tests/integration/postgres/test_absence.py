"""PostgreSQL goes away in every way it can: our calls fail in time, with one kind of error, and come back by themselves
(reliability B1, B3, B4, B5)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from time import monotonic
from typing import Any

import pytest
from builders import NOON, event_id, game_added, game_id, user_id
from integration.postgres.pods import Pod, eventually, open_pod, unavailable

from library_adapters.postgres.outbox import PostgresOutboxShards
from library_adapters.postgres.pool import ping
from library_adapters.system import SystemClock
from library_devstack.stack import Postgres
from library_domain.library.queries import LibraryQuery
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import UserId
from library_domain.shared.ports import EventClaim

ALICE, BOB = user_id("alice"), user_id("bob")
PORTAL = game_id("Portal 2")
BACK_SECONDS = 5.0
# The server's 2 s for a statement, 1 s for the way, and this machine's own hesitation.
ANSWER_SECONDS = 4.5


async def read(pod: Pod, user: UserId) -> None:
    await pod.reader.page(user, LibraryQuery(), now=NOON)


async def write(pod: Pod, user: UserId) -> None:
    async with pod.uow.begin(user) as tx:
        tx.record(game_added(user, PORTAL))


async def until_it_works(call: Callable[[], Awaitable[object]]) -> float:
    """Call until that succeeds; return how long it took. Failures are DependencyUnavailable or the test's."""
    began = monotonic()
    async with asyncio.timeout(30):
        while await unavailable(call()):
            pass
    return monotonic() - began


async def test_a_restart_under_use_is_survived_without_a_restart_of_ours(
    database: str, postgres: Postgres
) -> None:
    users = [user_id(f"player {number}") for number in range(8)]
    acknowledged = dict.fromkeys(users, 0)
    unknown = dict.fromkeys(users, 0)
    stopping = asyncio.Event()

    async def play(pod: Pod, user: UserId) -> None:
        while not stopping.is_set():
            if await unavailable(write(pod, user)):
                unknown[user] += 1
            else:
                acknowledged[user] += 1
            await unavailable(read(pod, user))

    async with open_pod(database) as pod, asyncio.TaskGroup() as players:
        for user in users:
            players.create_task(play(pod, user))
        await eventually(lambda: all(acknowledged.values()))

        await asyncio.to_thread(postgres.restart)
        took = await until_it_works(lambda: write(pod, BOB))
        before = dict(acknowledged)
        await eventually(
            lambda: all(acknowledged[user] > before[user] for user in users), within_seconds=BACK_SECONDS
        )
        stopping.set()

    assert took < BACK_SECONDS
    async with open_pod(database) as pod:
        for user in users:
            # Nothing that was acknowledged is lost, nothing is there twice; what got no answer may be there.
            assert acknowledged[user] <= await pod.revision(user) <= acknowledged[user] + unknown[user]
        (audited,) = await pod.rows("SELECT count(*) AS rows FROM library_audit_log")
        (published,) = await pod.rows("SELECT count(*) AS rows FROM outbox")
        assert audited == published


async def test_a_server_that_is_frozen_fails_every_call_in_time(database: str, postgres: Postgres) -> None:
    async with AsyncExitStack() as stack:
        pod = await stack.enter_async_context(open_pod(database))
        holder, newcomer = [
            await stack.enter_async_context(PostgresOutboxShards(pod.settings, clock=SystemClock()))
            for _ in range(2)
        ]
        await write(pod, ALICE)
        await holder.claim()
        postgres.pause()
        try:
            began = monotonic()
            failed = await asyncio.gather(
                unavailable(read(pod, ALICE)),
                unavailable(write(pod, ALICE)),
                unavailable(ping(pod.pool)),
                unavailable(holder.pending(limit=10)),
                unavailable(newcomer.claim()),
            )
            took = monotonic() - began
        finally:
            postgres.resume()

        assert all(failed)
        assert took < ANSWER_SECONDS
        assert await until_it_works(lambda: write(pod, ALICE)) < BACK_SECONDS
        assert await until_it_works(lambda: read(pod, ALICE)) < BACK_SECONDS
        assert await until_it_works(holder.claim) < BACK_SECONDS


async def test_a_server_that_freezes_within_a_transaction_leaves_the_user_free(
    database: str, postgres: Postgres
) -> None:
    async with open_pod(database, statement_timeout_milliseconds=500) as pod:
        try:
            with pytest.raises(DependencyUnavailable):
                async with pod.uow.begin(ALICE) as tx:
                    tx.record(game_added(ALICE, PORTAL))
                    postgres.pause()
                    began = monotonic()
            took = monotonic() - began
        finally:
            postgres.resume()

        assert took < ANSWER_SECONDS
        assert await until_it_works(lambda: write(pod, ALICE)) < BACK_SECONDS
        revision = await pod.revision(ALICE)
        (published,) = await pod.rows("SELECT count(*) AS rows FROM outbox")
        assert published["rows"] == revision


async def test_losing_all_connections_again_and_again_costs_one_retry_and_doubles_nothing(
    database: str,
) -> None:
    rounds, players = 5, 20

    async def take(pod: Pod, number: int) -> None:
        claim = EventClaim(user_id=ALICE, consumer="library", event_id=event_id(str(number)))
        async with pod.uow.once(claim) as once:
            if once.replay is None:
                await write(pod, ALICE)

    async def take_with_one_retry(pod: Pod, number: int) -> None:
        if await unavailable(take(pod, number)):
            await take(pod, number)

    # A busy machine must not run out of patience here: what counts is how often a call fails, not how long it takes.
    patient: dict[str, Any] = {"lock_timeout_milliseconds": 20_000, "pool_timeout_seconds": 20.0}
    async with open_pod(database, **patient) as pod, open_pod(database) as surgeon:
        for turn in range(rounds):
            async with asyncio.TaskGroup() as group:
                for player in range(players):
                    group.create_task(take_with_one_retry(pod, turn * players + player))
                group.create_task(surgeon.disconnect_everybody())

        assert await pod.revision(ALICE) == rounds * players


async def test_an_exhausted_pool_fails_callers_in_time_and_serves_the_next(database: str) -> None:
    release = asyncio.Event()

    async def hold(pod: Pod, user: UserId) -> None:
        async with pod.uow.begin(user):
            await release.wait()

    async with open_pod(database, pool_max=2, pool_timeout_seconds=0.2) as pod:
        async with asyncio.TaskGroup() as holders:
            for name in ("carol", "dave"):
                holders.create_task(hold(pod, user_id(name)))
            await eventually(lambda: pod.pool.get_stats()["pool_size"] == 2)
            await eventually(lambda: pod.pool.get_stats()["pool_available"] == 0)

            began = monotonic()
            failed = await asyncio.gather(
                *(unavailable(read(pod, ALICE)) for _ in range(10)), unavailable(write(pod, BOB))
            )
            took = monotonic() - began
            release.set()

        assert all(failed)
        assert took < 1.0
        await read(pod, ALICE)


async def test_a_queue_for_the_pool_that_is_full_turns_callers_away_at_once(database: str) -> None:
    async with open_pod(database, pool_max=1, pool_waiting_max=1, pool_timeout_seconds=30.0) as pod:
        async with pod.pool.connection():
            patient = asyncio.create_task(read(pod, ALICE))
            await eventually(lambda: pod.pool.get_stats().get("requests_waiting"))

            assert await unavailable(read(pod, BOB))
            assert not patient.done()

        await patient
