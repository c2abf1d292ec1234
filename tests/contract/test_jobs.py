"""What every JobQueue and JobStore promises (library_domain.shared.ports, library_domain.jobs.ports; data 20)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from builders import NOON, event_id
from contract.worlds import MemoryWorld, World
from fakes.clock import FakeClock, SequentialIds
from fakes.jobs import FakeJobStore

from library_adapters.postgres.jobs import PostgresJobStore
from library_domain.jobs.model import Backlog, Job
from library_domain.jobs.ports import JobStore
from library_domain.shared.ports import JobPayload

KIND, OTHER = "catalog.fetch_metadata", "library.apply_subscription"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def store(world: World, clock: FakeClock, ids: SequentialIds) -> JobStore:
    if isinstance(world, MemoryWorld):
        return FakeJobStore(world.store, clock=clock, ids=ids)
    return PostgresJobStore(world.pool, clock=clock, ids=ids)


async def ask(
    world: World, *keys: str, kind: str = KIND, payload: JobPayload | None = None, at: datetime | None = None
) -> None:
    async with world.uow.begin() as tx:
        await tx.jobs.enqueue(kind, keys, payload=payload, run_after=at)


async def claim(store: JobStore, clock: FakeClock, *, limit: int = 10) -> Sequence[Job]:
    return await store.claim([KIND, OTHER], until=clock.now() + MINUTE, limit=limit)


async def claim_one(store: JobStore, clock: FakeClock) -> Job:
    (job,) = await claim(store, clock)
    return job


def payload(text: str, *, at: datetime = NOON) -> JobPayload:
    return JobPayload(data=text.encode(), event_time=at, event_id=event_id(text))


class TestQueue:
    async def test_asks_once_however_often_it_is_asked(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        await ask(world, "a", "b", "a")
        await ask(world, "b")
        await ask(world)

        assert {job.key for job in await claim(store, clock)} == {"a", "b"}

    async def test_asks_for_nothing_when_the_transaction_does_not_commit(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        with pytest.raises(LookupError):
            async with world.uow.begin() as tx:
                await tx.jobs.enqueue(KIND, ["a"])
                raise LookupError

        assert await claim(store, clock) == []

    @pytest.mark.parametrize("times", [(1, 3), (3, 1)])
    async def test_runs_at_the_earliest_time_that_was_asked_for(
        self, world: World, store: JobStore, clock: FakeClock, times: tuple[int, int]
    ) -> None:
        for minutes in times:
            await ask(world, "a", at=clock.now() + minutes * MINUTE)
        assert await claim(store, clock) == []

        clock.advance(MINUTE)

        assert (await claim_one(store, clock)).key == "a"

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    async def test_keeps_the_newer_payload_and_since_when_it_is_asked_for(
        self, world: World, store: JobStore, clock: FakeClock, order: tuple[int, int]
    ) -> None:
        payloads = [payload("older", at=NOON), payload("newer", at=NOON + SECOND)]
        asked = {}
        for number in order:
            asked[number] = clock.now()
            await ask(world, "a", payload=payloads[number])
            clock.advance(SECOND)
        await ask(world, "a")

        job = await claim_one(store, clock)

        assert (job.payload, job.created_at) == (b"newer", asked[1])

    async def test_gives_a_job_that_was_given_up_a_new_life(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        await ask(world, "a", payload=payload("first"))
        await store.fail(await claim_one(store, clock), reason="a bug")
        assert await claim(store, clock) == []

        clock.advance(MINUTE)
        await ask(world, "a")

        job = await claim_one(store, clock)
        assert (job.attempts, job.failures, job.created_at) == (1, 0, clock.now())
        assert job.payload == b"first"


class TestStore:
    async def test_hands_out_what_is_due_longest_first_and_each_once(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        for minutes, key in ((2, "late"), (1, "early"), (9, "not yet")):
            await ask(world, key, at=clock.now() + minutes * MINUTE)
        clock.advance(5 * MINUTE)

        keys = [[job.key for job in await claim(store, clock, limit=1)] for _ in range(3)]

        assert keys == [["early"], ["late"], []]

    async def test_hands_out_the_kinds_that_are_asked_for(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        await ask(world, "a", kind=KIND)
        await ask(world, "a", kind=OTHER)

        found = await store.claim([OTHER], until=clock.now() + MINUTE, limit=10)

        assert [(job.kind, job.key) for job in found] == [(OTHER, "a")]

    async def test_drops_a_job_that_is_done(self, world: World, store: JobStore, clock: FakeClock) -> None:
        await ask(world, "a")

        assert await store.finish(await claim_one(store, clock))

        assert await world.jobs() == set()

    async def test_runs_a_job_once_more_that_was_asked_for_while_it_ran(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        await ask(world, "a", payload=payload("first"))
        job = await claim_one(store, clock)
        await ask(world, "a", payload=payload("second", at=NOON + SECOND))
        assert await claim(store, clock) == []

        assert await store.finish(job)

        again = await claim_one(store, clock)
        assert (again.payload, again.cursor, again.attempts) == (b"second", None, 1)
        assert await store.finish(again)
        assert await world.jobs() == set()

    @pytest.mark.parametrize("is_running", [True, False])
    async def test_begins_anew_when_it_was_asked_for_between_its_first_step_and_its_last(
        self, world: World, store: JobStore, clock: FakeClock, *, is_running: bool
    ) -> None:
        await ask(world, "a")
        job = await claim_one(store, clock)
        if is_running:
            await ask(world, "a")
            await store.keep(job, cursor="middle")
        else:
            await store.keep(job, cursor="middle")
            await ask(world, "a")

        second = await claim_one(store, clock)
        assert second.cursor == "middle"
        assert await store.finish(second)

        assert (await claim_one(store, clock)).cursor is None

    async def test_goes_on_where_the_last_step_stopped(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        await ask(world, "a", payload=payload("whole"))
        job = await claim_one(store, clock)
        await store.retry(job, at=clock.now(), reason="away", is_failure=True)
        job = await claim_one(store, clock)
        assert (job.attempts, job.failures) == (2, 1)

        assert await store.keep(job, cursor="game 500")

        job = await claim_one(store, clock)
        assert (job.cursor, job.payload, job.attempts, job.failures) == ("game 500", b"whole", 1, 0)

    async def test_begins_anew_at_the_time_that_the_job_named(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        await ask(world, "a")
        first = await claim_one(store, clock)
        await store.keep(first, cursor="middle")

        assert await store.again(await claim_one(store, clock), at=clock.now() + MINUTE)

        assert await claim(store, clock) == []
        clock.advance(MINUTE)
        assert (await claim_one(store, clock)).cursor is None

    @pytest.mark.parametrize("ending", ["again", "retry"])
    async def test_comes_back_earlier_when_it_was_asked_for_while_it_ran(
        self, world: World, store: JobStore, clock: FakeClock, ending: str
    ) -> None:
        await ask(world, "a")
        job = await claim_one(store, clock)
        await ask(world, "a")

        later = clock.now() + MINUTE
        if ending == "again":
            assert await store.again(job, at=later)
        else:
            assert await store.retry(job, at=later, reason="away", is_failure=False)

        assert (await claim_one(store, clock)).key == "a"

    async def test_pauses_before_it_tries_a_later_step_again_though_it_was_asked_for(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        """Who asked is owed a beginning, which comes after this step: without a pause it would be tried all the time."""
        await ask(world, "a")
        job = await claim_one(store, clock)
        await ask(world, "a")
        await store.keep(job, cursor="middle")

        for _ in range(2):
            job = await claim_one(store, clock)
            assert await store.retry(job, at=clock.now() + MINUTE, reason="away", is_failure=False)
            assert await claim(store, clock) == []
            clock.advance(MINUTE)

        assert await store.finish(await claim_one(store, clock))
        assert (await claim_one(store, clock)).cursor is None

    @pytest.mark.parametrize(("is_failure", "failures"), [(True, 1), (False, 0)])
    async def test_counts_tries_and_those_that_were_our_fault(
        self, world: World, store: JobStore, clock: FakeClock, *, is_failure: bool, failures: int
    ) -> None:
        await ask(world, "a")
        job = await claim_one(store, clock)

        assert await store.retry(job, at=clock.now() + MINUTE, reason="away", is_failure=is_failure)

        assert await claim(store, clock) == []
        clock.advance(MINUTE)
        job = await claim_one(store, clock)
        assert (job.attempts, job.failures) == (2, failures)

    async def test_gives_a_job_to_another_runner_when_the_lease_of_the_first_ran_out(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        await ask(world, "a")
        await store.keep(await claim_one(store, clock), cursor="middle")
        lost = await claim_one(store, clock)
        clock.advance(MINUTE - SECOND)
        assert await claim(store, clock) == []

        clock.advance(SECOND)
        taken = await claim_one(store, clock)

        # Whoever vanished said nothing: it counts against the job.
        assert (taken.cursor, taken.attempts, taken.failures) == ("middle", 2, 1)
        assert not await store.finish(lost)
        assert not await store.keep(lost, cursor="end")
        assert not await store.again(lost, at=clock.now())
        assert not await store.retry(lost, at=clock.now(), reason="late", is_failure=True)
        assert not await store.fail(lost, reason="late")
        assert not await store.renew(lost, until=clock.now() + MINUTE)
        assert await store.finish(taken)
        assert await world.jobs() == set()

    async def test_ends_nothing_for_a_runner_whose_job_was_done_and_asked_for_anew(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        await ask(world, "a")
        lost = await claim_one(store, clock)
        clock.advance(MINUTE)
        await store.finish(await claim_one(store, clock))
        await ask(world, "a")
        current = await claim_one(store, clock)

        assert not await store.finish(lost)
        assert not await store.finish(replace(current, lease=event_id("nobody's")))
        assert await store.finish(current)

    async def test_holds_a_job_for_longer(self, world: World, store: JobStore, clock: FakeClock) -> None:
        await ask(world, "a")
        job = await claim_one(store, clock)

        assert await store.renew(job, until=clock.now() + 3 * MINUTE)

        clock.advance(2 * MINUTE)
        assert await claim(store, clock) == []
        clock.advance(MINUTE)
        assert (await claim_one(store, clock)).key == "a"

    async def test_owes_a_try_to_who_asked_while_a_job_failed(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        await ask(world, "a")
        job = await claim_one(store, clock)
        await ask(world, "a")

        assert await store.fail(job, reason="a bug")

        job = await claim_one(store, clock)
        assert (job.attempts, job.failures) == (1, 0)

    async def test_tells_what_is_due_and_what_failed(
        self, world: World, store: JobStore, clock: FakeClock
    ) -> None:
        assert await store.backlog() == []
        due_since = clock.now()
        await ask(world, "a", "b")
        await store.fail((await claim(store, clock, limit=1))[0], reason="a bug")
        await ask(world, "a", kind=OTHER, at=clock.now() + MINUTE)
        clock.advance(SECOND)

        assert await store.backlog() == [
            Backlog(kind=KIND, due=1, failed=1, due_since=due_since),
        ]
