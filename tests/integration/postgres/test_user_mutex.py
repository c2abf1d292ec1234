"""The user's revision row is the user's mutex (data 9): within a process its queue costs one connection, between
processes the wait is bounded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from builders import NOON, event_id, game_added, game_id, user_id
from integration.postgres.pods import Pod, open_pod, unavailable

from library_domain.library.queries import LibraryQuery
from library_domain.shared.errors import DependencyUnavailable, IdempotencyInProgress
from library_domain.shared.ids import UserId
from library_domain.shared.ports import Answer, EventClaim, RequestClaim

ALICE, BOB = user_id("alice"), user_id("bob")
PORTAL = game_id("Portal 2")
EVENT = EventClaim(user_id=ALICE, consumer="library", event_id=event_id("purchase"))
REQUEST = RequestClaim(user_id=ALICE, operation="wishlist.add", key="k-1", request_sha256=b"a")
# Long enough that nobody's patience ends while the tests measure something else.
PATIENT: dict[str, Any] = {"lock_timeout_milliseconds": 20_000, "statement_timeout_milliseconds": 30_000}


async def write(pod: Pod, user: UserId) -> None:
    async with pod.uow.begin(user) as tx:
        tx.record(game_added(user, PORTAL))


@asynccontextmanager
async def holding(pod: Pod, *users: UserId) -> AsyncIterator[None]:
    """Hold the users' mutexes in a transaction of another task while the block runs."""
    held, release = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with pod.uow.begin(*users):
            held.set()
            await release.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(hold())
        await held.wait()
        try:
            yield
        finally:
            release.set()


class TestWithinAProcess:
    async def test_a_hundred_waiters_of_one_user_leave_the_pool_to_others(self, database: str) -> None:
        order: list[int] = []

        async def wait_and_write(pod: Pod, number: int) -> None:
            await write(pod, ALICE)
            order.append(number)

        async with (
            open_pod(database, pool_max=2, **PATIENT) as pod,
            asyncio.TaskGroup() as waiters,
            holding(pod, ALICE),
        ):
            for number in range(100):
                waiters.create_task(wait_and_write(pod, number))
            async with asyncio.timeout(5):
                for _ in range(10):
                    await write(pod, BOB)
                    await pod.reader.page(BOB, LibraryQuery(), now=NOON)
            assert pod.pool.get_stats().get("requests_waiting", 0) == 0
            assert order == []

        assert order == list(range(100))
        async with open_pod(database) as pod:
            assert await pod.revision(ALICE) == 100

    async def test_a_queue_that_is_full_turns_writers_away_at_once(self, database: str) -> None:
        async with (
            open_pod(database, user_waiting_max=3, **PATIENT) as pod,
            asyncio.TaskGroup() as waiters,
            holding(pod, ALICE),
        ):
            for _ in range(3):
                waiters.create_task(write(pod, ALICE))
            await asyncio.sleep(0)

            assert await unavailable(write(pod, ALICE))

    async def test_a_writer_that_gives_up_leaves_no_trace(self, database: str) -> None:
        async with open_pod(database, **PATIENT) as pod:
            async with holding(pod, ALICE):
                waiter = asyncio.create_task(write(pod, ALICE))
                await asyncio.sleep(0)
                waiter.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiter

            await write(pod, ALICE)

            assert await pod.revision(ALICE) == 1
            assert pod.uow._users._entries == {}

    async def test_writers_of_two_users_each_do_not_deadlock(self, database: str) -> None:
        async def write_both(pod: Pod, *users: UserId) -> None:
            async with pod.uow.begin(*users) as tx:
                tx.record(*(game_added(user, PORTAL) for user in users))

        async with (
            open_pod(database, pool_max=4, **PATIENT) as pod,
            open_pod(database, pool_max=4, **PATIENT) as other,
        ):
            async with asyncio.TaskGroup() as group:
                for _ in range(20):
                    group.create_task(write_both(pod, ALICE, BOB))
                    group.create_task(write_both(other, BOB, ALICE))

            assert (await pod.revision(ALICE), await pod.revision(BOB)) == (40, 40)


class TestBetweenProcesses:
    async def test_a_user_that_is_held_too_long_is_unavailable(self, database: str) -> None:
        async with open_pod(database) as pod, open_pod(database, lock_timeout_milliseconds=200) as other:
            async with holding(pod, ALICE):
                assert await unavailable(write(other, ALICE))
                await write(other, BOB)

            await write(other, ALICE)

    async def test_an_event_that_is_being_handled_is_unavailable(self, database: str) -> None:
        async with open_pod(database) as pod, open_pod(database, lock_timeout_milliseconds=200) as other:
            async with pod.uow.once(EVENT) as first:
                assert first.replay is None
                with pytest.raises(DependencyUnavailable):
                    async with other.uow.once(EVENT):
                        pass

            async with other.uow.once(EVENT) as second:
                assert second.replay == Answer()

    # Production's: a statement has as long as a lock, so the server may name either reason.
    @pytest.mark.parametrize("statement_timeout", [300, 2_000])
    async def test_a_request_that_still_runs_is_in_progress(
        self, database: str, statement_timeout: int
    ) -> None:
        impatient: dict[str, Any] = {
            "lock_timeout_milliseconds": 300,
            "statement_timeout_milliseconds": statement_timeout,
        }
        async with open_pod(database) as pod, open_pod(database, **impatient) as other:
            async with pod.uow.once(REQUEST) as first:
                with pytest.raises(IdempotencyInProgress):
                    async with other.uow.once(REQUEST):
                        pass
                first.store(Answer(status=201, body=b"done"))

            async with other.uow.once(REQUEST) as second:
                assert second.replay == Answer(status=201, body=b"done")

    async def test_a_request_that_ends_in_time_is_replayed_to_the_one_that_waits(self, database: str) -> None:
        async def ask(pod: Pod) -> Answer | None:
            async with pod.uow.once(REQUEST) as once:
                return once.replay

        async with open_pod(database) as pod, open_pod(database, **PATIENT) as other:
            async with pod.uow.once(REQUEST) as first:
                waiting = asyncio.create_task(ask(other))
                async with asyncio.timeout(10):
                    while not await other.somebody_waits_for_a_lock():
                        pass
                first.store(Answer(status=201, body=b"done"))

            assert await waiting == Answer(status=201, body=b"done")

    async def test_a_request_that_fails_lets_the_one_that_waits_be_the_first(self, database: str) -> None:
        async def ask(pod: Pod) -> Answer | None:
            async with pod.uow.once(REQUEST) as once:
                once.store(Answer(status=201, body=b"second"))
                return once.replay

        async with open_pod(database) as pod, open_pod(database, **PATIENT) as other:
            with pytest.raises(LookupError):
                async with pod.uow.once(REQUEST):
                    waiting = asyncio.create_task(ask(other))
                    async with asyncio.timeout(10):
                        while not await other.somebody_waits_for_a_lock():
                            pass
                    raise LookupError

            assert await waiting is None

    async def test_writers_of_two_processes_lose_no_update(self, database: str) -> None:
        async with (
            open_pod(database, **PATIENT) as pod,
            open_pod(database, **PATIENT) as other,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(25):
                group.create_task(write(pod, ALICE))
                group.create_task(write(other, ALICE))

        async with open_pod(database) as pod:
            assert await pod.revision(ALICE) == 50
            rows = await pod.rows("SELECT revision FROM outbox ORDER BY revision")
            assert [row["revision"] for row in rows] == list(range(1, 51))


async def test_a_user_is_not_kept_waiting_by_a_reader(database: str) -> None:
    async with open_pod(database) as pod, holding(pod, ALICE):
        page = await pod.reader.page(ALICE, LibraryQuery(), now=NOON)

    assert page.total == 0
