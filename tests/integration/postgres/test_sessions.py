"""Sessions between processes: the mutex that is only tried, the row that a heartbeat takes alone, and what it costs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from builders import NOON, a_purchase, a_session, game_added, game_id, session_id, user_id
from fakes.clock import FakeClock, SequentialIds
from integration.postgres.pods import Pod, open_pod

from library_adapters.postgres.sessions import PostgresStaleSessions
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.playtime.errors import SessionNotFound
from library_domain.playtime.model import Session
from library_domain.playtime.use_cases.record_heartbeat import RecordHeartbeat, RecordHeartbeatHandler
from library_domain.playtime.use_cases.sweep_sessions import (
    SweepSessions,
    SweepSessionsHandler,
    SweepSessionsResult,
)
from library_domain.shared.events import DomainEvent

ALICE, BOB = user_id("alice"), user_id("bob")
PORTAL = game_id("Portal 2")
MINUTE = timedelta(minutes=1)


@asynccontextmanager
async def held(pod: Pod) -> AsyncIterator[None]:
    """Hold Alice's mutex in a transaction of another task while the block runs."""
    is_held, release = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with pod.uow.begin(ALICE):
            is_held.set()
            await release.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(hold())
        await is_held.wait()
        try:
            yield
        finally:
            release.set()


async def is_free(pod: Pod) -> bool:
    async with asyncio.timeout(5), pod.uow.begin_if_free(ALICE) as tx:
        return tx is not None


async def begin(pod: Pod, games: int) -> list[Session]:
    """Let Alice play so many games at once."""
    add = AddToLibraryHandler(uow=pod.uow, clock=FakeClock(), ids=SequentialIds())
    sessions: list[Session] = []
    for number in range(games):
        await add(a_purchase(f"game {number}"))
    async with pod.uow.begin(ALICE) as tx:
        wanted = tuple(game_id(f"game {number}") for number in range(games))
        for game, entry in (await tx.library.entries(ALICE, wanted)).items():
            sessions.append(a_session(game_id=game, library_item_id=entry.id))
            await tx.sessions.open(sessions[-1])
    return sessions


async def beat(pod: Pod, session: Session) -> None:
    async with pod.uow.begin() as tx:
        running = await tx.sessions.running(ALICE, session.id)
        assert running is not None
        running.contact(running.last_heartbeat_at + MINUTE)
        await tx.sessions.keep(running)


class TestMutexThatIsTried:
    async def test_is_taken_when_nobody_has_it_and_given_back(self, database: str) -> None:
        async with open_pod(database) as pod, open_pod(database) as other:
            async with pod.uow.begin(ALICE) as tx:
                tx.record(game_added(ALICE, PORTAL))

            async with pod.uow.begin_if_free(ALICE) as taken:
                assert taken is not None
                assert not await is_free(other)
                taken.record(game_added(ALICE, PORTAL))
            assert await pod.revision(ALICE) == 2
            assert await is_free(other)

    async def test_nobody_waits_for_who_holds_it_in_this_process_or_another(self, database: str) -> None:
        async with open_pod(database) as pod, open_pod(database) as other:
            async with pod.uow.begin(ALICE, BOB) as tx:
                tx.record(game_added(ALICE, PORTAL))
            async with held(pod):
                assert [await is_free(pod), await is_free(other)] == [False, False]

                async with pod.uow.begin_if_free(BOB) as tx_of_bob:
                    assert tx_of_bob is not None
            assert [await is_free(pod), await is_free(other)] == [True, True]
            assert pod.uow._users._entries == {}


class TestHeartbeat:
    async def test_goes_on_while_somebody_holds_the_mutex(self, database: str) -> None:
        async with open_pod(database) as pod:
            (session,) = await begin(pod, 1)
            async with held(pod), asyncio.timeout(5):
                await asyncio.create_task(beat(pod, session))

    async def test_of_two_at_once_none_is_lost(self, database: str) -> None:
        async with open_pod(database) as pod, open_pod(database) as other:
            (session,) = await begin(pod, 1)
            async with asyncio.TaskGroup() as group:
                for _ in range(10):
                    group.create_task(beat(pod, session))
                    group.create_task(beat(other, session))

            (row,) = await pod.rows("SELECT last_heartbeat_at, active_first_day FROM active_sessions")
            assert row == {"last_heartbeat_at": NOON + 20 * MINUTE, "active_first_day": 1_200}

    async def test_of_no_session_leaves_nothing_of_a_user_that_nobody_knows(self, database: str) -> None:
        async with open_pod(database) as pod:
            handler = RecordHeartbeatHandler(uow=pod.uow, clock=FakeClock())
            with pytest.raises(SessionNotFound):
                await handler(RecordHeartbeat(user_id=ALICE, session_id=session_id("nothing")))

            assert await pod.rows("SELECT user_id FROM user_revisions") == []

    async def test_touches_no_index(self, database: str) -> None:
        """Data 8: with an index on a time none of them would be HOT."""
        async with open_pod(database, pool_min=1, pool_max=1) as pod:
            sessions = await begin(pod, 60)
            for session in sessions * 5:
                await beat(pod, session)

            await pod.rows("SELECT pg_stat_force_next_flush()")
            (updates,) = await pod.rows(
                "SELECT n_tup_upd AS all, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = 'active_sessions'"
            )
            assert updates["all"] >= 300
            assert updates["hot"] > 0.9 * updates["all"]


class TestSweep:
    async def test_goes_on_behind_a_session_whose_month_has_no_partition(self, database: str) -> None:
        async with open_pod(database) as pod:
            first, *_ = await begin(pod, 3)
            await pod.rows(
                "UPDATE active_sessions SET start_time = at, last_input_at = at, last_heartbeat_at = at"
                " FROM (VALUES (timestamptz '2001-02-03 UTC')) AS long_ago (at) WHERE session_id = %s",
                first.id,
            )

            result = await sweep(pod)

            assert [found.session_id for found, _ in result.failed] == [first.id]
            assert sum(result.ended.values()) == 2

    async def test_goes_on_behind_a_session_whose_row_is_locked(self, database: str) -> None:
        async with open_pod(database, lock_timeout_milliseconds=100) as pod, open_pod(database) as other:
            first, *_ = await begin(pod, 3)
            async with other.pool.connection() as connection, connection.transaction():
                await connection.execute(
                    "SELECT FROM active_sessions WHERE session_id = %s FOR UPDATE", [first.id]
                )

                result = await sweep(pod)

            assert [found.session_id for found, _ in result.failed] == [first.id]
            assert sum(result.ended.values()) == 2


async def sweep(pod: Pod) -> SweepSessionsResult:
    clock = FakeClock()
    clock.advance(10 * MINUTE)
    handler = SweepSessionsHandler(stale=PostgresStaleSessions(pod.pool), uow=pod.uow, clock=clock)
    return await handler(SweepSessions(limit=10))


async def test_what_was_recorded_is_told_after_the_commit_and_only_then(database: str) -> None:
    told: list[Sequence[DomainEvent]] = []
    event = game_added(ALICE, PORTAL)
    async with open_pod(database) as pod:
        uow = PostgresUnitOfWork(
            pod.pool, pod.settings, clock=FakeClock(), ids=SequentialIds(), on_events=told.append
        )
        with pytest.raises(LookupError):
            async with uow.begin(ALICE) as tx:
                tx.record(event)
                raise LookupError
        async with uow.begin(ALICE):
            pass
        assert told == []

        async with uow.begin(ALICE) as tx:
            tx.record(event)
            assert told == []
        async with uow.begin_if_free(ALICE) as tried:
            assert tried is not None
            tried.record(event)

    assert told == [[event], [event]]
