"""What becomes of a job after a step of it (data 20)."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from builders import user_id
from fakes.clock import FakeClock, SequentialIds
from fakes.jobs import FakeJobs, FakeJobStore
from fakes.store import Store

from library_domain.jobs.model import Again, Continue, Done, Dropped, Job, JobResult
from library_domain.jobs.use_cases.work_job import (
    Outcome,
    RetryPolicy,
    WorkJob,
    WorkJobHandler,
    WorkJobResult,
)
from library_domain.shared.errors import DependencyUnavailable, DomainError, Forbidden, UserErased

KIND = "library.apply_subscription"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
POLICY = RetryPolicy(first_pause=SECOND, longest_pause=10 * SECOND, failures_max=3)

Step = Callable[[Job], Coroutine[Any, Any, JobResult]]


class Bench:
    """One job of a store, and a runner that works it step by step."""

    def __init__(self, clock: FakeClock, ids: SequentialIds) -> None:
        self.clock = clock
        self.stored = Store()
        self.jobs = FakeJobs(self.stored, clock)
        self.store = FakeJobStore(self.stored, clock=clock, ids=ids)
        self.jitter = 0.0

    async def ask(self) -> None:
        await self.jobs.enqueue(KIND, ["key"])

    async def claim(self) -> Job | None:
        claimed = await self.store.claim([KIND], until=self.clock.now() + MINUTE, limit=1)
        return claimed[0] if claimed else None

    async def work(self, step: Step, job: Job | None = None) -> WorkJobResult:
        job = job or await self.claim()
        assert job is not None
        handler = WorkJobHandler(
            store=self.store,
            steps={KIND: step},
            policy=POLICY,
            clock=self.clock,
            jitter=lambda: self.jitter,
        )
        return await handler(WorkJob(job=job))


@pytest.fixture
async def bench(clock: FakeClock, ids: SequentialIds) -> Bench:
    bench = Bench(clock, ids)
    await bench.ask()
    return bench


def coming_to(result: JobResult) -> Step:
    async def step(_: Job) -> JobResult:
        return result

    return step


def raising(error: Exception) -> Step:
    async def step(_: Job) -> JobResult:
        raise error

    return step


@pytest.mark.parametrize(("result", "outcome"), [(Done(), Outcome.DONE), (Dropped(), Outcome.DROPPED)])
async def test_a_job_that_is_done_is_no_more(bench: Bench, result: JobResult, outcome: Outcome) -> None:
    assert await bench.work(coming_to(result)) == WorkJobResult(outcome=outcome)

    assert bench.stored.jobs == {}


async def test_a_step_that_is_not_the_last_is_followed_by_the_next(bench: Bench) -> None:
    assert (await bench.work(coming_to(Continue("game 500")))).outcome is Outcome.CONTINUED

    job = await bench.claim()

    assert job is not None
    assert job.cursor == "game 500"


async def test_a_job_comes_back_when_it_said(bench: Bench, clock: FakeClock) -> None:
    result = await bench.work(coming_to(Again(clock.now() + MINUTE)))

    assert result.outcome is Outcome.POSTPONED
    assert await bench.claim() is None
    clock.advance(MINUTE)
    assert await bench.claim() is not None


async def test_a_job_of_an_erased_user_is_done(bench: Bench) -> None:
    result = await bench.work(raising(UserErased(user_id=user_id("alice"))))

    assert result == WorkJobResult(outcome=Outcome.DONE)
    assert bench.stored.jobs == {}


async def test_an_absence_is_waited_for_as_long_as_it_takes(bench: Bench, clock: FakeClock) -> None:
    pauses = []
    for _ in range(8):
        result = await bench.work(raising(DependencyUnavailable("catalog")))
        assert result.outcome is Outcome.UNAVAILABLE
        pauses.append((bench.stored.jobs[KIND, "key"].due_at - clock.now()) / SECOND)
        clock.advance(MINUTE)

    assert pauses == [1, 2, 4, 8, 10, 10, 10, 10]
    assert (await bench.work(coming_to(Done()))).outcome is Outcome.DONE


async def test_a_dependency_is_not_asked_before_the_time_that_it_named(
    bench: Bench, clock: FakeClock
) -> None:
    await bench.work(raising(DependencyUnavailable("catalog", retry_after_seconds=30)))

    assert bench.stored.jobs[KIND, "key"].due_at == clock.now() + 30 * SECOND


async def test_jobs_that_failed_together_do_not_come_back_together(bench: Bench, clock: FakeClock) -> None:
    bench.jitter = 1.0

    await bench.work(raising(DependencyUnavailable("catalog", retry_after_seconds=30)))

    assert bench.stored.jobs[KIND, "key"].due_at == clock.now() + 45 * SECOND


@pytest.mark.parametrize("error", [LookupError("a bug"), Forbidden()])
async def test_an_error_of_ours_is_tried_again_a_few_times_then_left_to_a_person(
    bench: Bench, clock: FakeClock, error: Exception | DomainError
) -> None:
    outcomes = []
    for _ in range(3):
        result = await bench.work(raising(error))
        assert result.error is error
        outcomes.append(result.outcome)
        clock.advance(MINUTE)

    assert outcomes == [Outcome.FAILED, Outcome.FAILED, Outcome.GIVEN_UP]
    assert await bench.claim() is None
    assert bench.stored.jobs[KIND, "key"].state == "failed"


async def test_a_step_that_succeeds_forgives_the_failures_before_it(bench: Bench, clock: FakeClock) -> None:
    for number in range(6):
        step = coming_to(Continue("further")) if number % 2 else raising(LookupError())
        result = await bench.work(step)
        clock.advance(MINUTE)

        assert result.outcome is not Outcome.GIVEN_UP


async def test_a_job_that_its_runners_do_not_survive_is_left_to_a_person(
    bench: Bench, clock: FakeClock
) -> None:
    worked = []

    async def step(job: Job) -> JobResult:
        worked.append(job)
        return Done()

    for _ in range(3):
        assert await bench.claim() is not None  # and its runner dies
        clock.advance(MINUTE)

    result = await bench.work(step)

    assert (result.outcome, worked) == (Outcome.GIVEN_UP, [])


async def test_who_lost_the_lease_changes_nothing_and_says_so(bench: Bench, clock: FakeClock) -> None:
    late = await bench.claim()
    clock.advance(MINUTE)
    current = await bench.claim()

    endings = (coming_to(Done()), coming_to(Continue("x")), raising(LookupError()))
    outcomes = {(await bench.work(ending, late)).outcome for ending in endings}

    assert outcomes == {Outcome.LOST}
    assert (await bench.work(coming_to(Done()), current)).outcome is Outcome.DONE


async def test_what_was_asked_for_while_a_step_ran_is_done_afterwards(bench: Bench) -> None:
    async def step(_: Job) -> JobResult:
        await bench.ask()
        return Done()

    await bench.work(step)

    assert (await bench.work(coming_to(Done()))).outcome is Outcome.DONE
    assert bench.stored.jobs == {}
