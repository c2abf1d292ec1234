"""The runner's loop: how many jobs at once, how their leases live, when it looks again, and how it ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from fakes.clock import FakeClock, SequentialIds
from fakes.jobs import FakeJobs, FakeJobStore
from fakes.store import Store
from prometheus_client import CollectorRegistry

from library_consumers.settings import WorkSection
from library_consumers.work import Worker, WorkMetrics, jitter
from library_domain.jobs.model import Backlog, Done, Job, JobResult
from library_domain.jobs.ports import JobStep
from library_domain.jobs.use_cases.work_job import RetryPolicy, WorkJobHandler
from library_domain.shared.caller import current_caller
from library_domain.shared.errors import DependencyUnavailable

KIND, OTHER = "catalog.fetch_metadata", "library.apply_subscription"
SECONDS = 5


class Jobs(FakeJobStore):
    """The fake, whose database a test takes away and gives back, and which tells what it was asked."""

    def __init__(self, store: Store, *, clock: FakeClock, ids: SequentialIds) -> None:
        super().__init__(store, clock=clock, ids=ids)
        self.away = False
        self.deaf = False
        self.uncounted = False
        self.limits: list[int] = []
        self.held_until: list[datetime] = []
        self.renewed = asyncio.Event()
        self.asked = asyncio.Condition()

    async def claim(self, kinds: Sequence[str], *, until: datetime, limit: int) -> Sequence[Job]:
        async with self.asked:
            self.limits.append(limit)
            self.held_until.append(until)
            self.asked.notify_all()
        if self.away:
            raise DependencyUnavailable("postgres")
        return await super().claim(kinds, until=until, limit=limit)

    async def renew(self, job: Job, *, until: datetime) -> bool:
        self.renewed.set()
        return await super().renew(job, until=until)

    async def finish(self, job: Job) -> bool:
        if self.deaf:
            raise DependencyUnavailable("postgres")
        return await super().finish(job)

    async def backlog(self) -> Sequence[Backlog]:
        if self.uncounted:
            raise DependencyUnavailable("postgres")
        return await super().backlog()

    async def asked_times(self, times: int) -> None:
        async with asyncio.timeout(SECONDS), self.asked:
            await self.asked.wait_for(lambda: len(self.limits) >= times)


class Bench:
    """A runner over a store, with a step that waits until it is let go."""

    def __init__(self, **settings: Any) -> None:
        self.clock = FakeClock()
        self.stored = Store()
        self.jobs = Jobs(self.stored, clock=self.clock, ids=SequentialIds())
        self.registry = CollectorRegistry()
        self.settings = WorkSection(poll_seconds=0.01, upkeep_seconds=0.01, away_max_seconds=0.02, **settings)
        self.begun: list[str] = []
        self.changed = asyncio.Condition()
        self.stopping = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    async def ask(self, *keys: str, kind: str = KIND) -> None:
        await FakeJobs(self.stored, self.clock).enqueue(kind, keys)

    async def step(self, job: Job) -> JobResult:
        async with self.changed:
            self.begun.append(job.key)
            self.changed.notify_all()
        await self.go.wait()
        return Done()

    @asynccontextmanager
    async def running(
        self,
        step: JobStep | None = None,
        *,
        other: JobStep | None = None,
        lease: timedelta | None = None,
    ) -> AsyncIterator[asyncio.Task[None]]:
        steps = {KIND: step or self.step} | ({OTHER: other} if other else {})
        worker = Worker(
            store=self.jobs,
            work_job=WorkJobHandler(
                store=self.jobs,
                steps=steps,
                policy=RetryPolicy(),
                clock=self.clock,
                jitter=jitter,
            ),
            kinds=steps,
            settings=self.settings,
            clock=self.clock,
            metrics=WorkMetrics(self.registry),
            lease=lease,
        )
        task = asyncio.create_task(worker.run(self.stopping))
        try:
            yield task
        finally:
            self.go.set()
            self.stopping.set()
            async with asyncio.timeout(SECONDS):
                await task

    async def begun_times(self, times: int) -> None:
        async with asyncio.timeout(SECONDS), self.changed:
            await self.changed.wait_for(lambda: len(self.begun) >= times)

    async def done(self) -> None:
        async with asyncio.timeout(SECONDS):
            while self.stored.jobs:
                await self.jobs.asked_times(len(self.jobs.limits) + 1)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"library_{name}", labels)

    def steps(self, outcome: str) -> float | None:
        return self.metric("requests_total", door="jobs", operation=KIND, outcome=outcome)


async def test_jobs_are_worked_until_none_is_left() -> None:
    bench = Bench()
    await bench.ask(*map(str, range(20)))

    async with bench.running():
        await bench.done()

    assert sorted(bench.begun, key=int) == list(map(str, range(20)))
    assert bench.steps("done") == 20
    assert bench.metric("jobs_running") == 0


async def test_no_more_jobs_run_than_there_are_places() -> None:
    bench = Bench(concurrency=3)
    bench.go.clear()
    await bench.ask(*map(str, range(5)))

    async with bench.running():
        await bench.jobs.asked_times(1)
        await bench.begun_times(3)
        assert (len(bench.begun), bench.metric("jobs_running")) == (3, 3)
        bench.go.set()
        await bench.done()

    assert bench.jobs.limits[0] == 3
    assert max(bench.jobs.limits) == 3


async def test_a_step_in_hand_is_finished_before_the_end_and_none_is_begun() -> None:
    bench = Bench(concurrency=1)
    bench.go.clear()
    await bench.ask("in hand", "too late")

    async with bench.running() as running:
        await bench.begun_times(1)
        bench.stopping.set()
        await asyncio.sleep(0)
        assert not running.done()
        bench.go.set()

    assert bench.begun == ["in hand"]
    assert set(bench.stored.jobs) == {(KIND, "too late")}


async def test_a_lease_is_renewed_while_its_step_lasts() -> None:
    bench = Bench(lease_seconds=0.03)
    bench.go.clear()
    await bench.ask("long")

    async with bench.running():
        async with asyncio.timeout(SECONDS):
            await bench.jobs.renewed.wait()

    assert bench.steps("done") == 1


async def test_a_lease_is_longer_by_a_clock_that_is_faster() -> None:
    bench = Bench(lease_seconds=30)
    await bench.ask("a")

    async with bench.running(lease=timedelta(minutes=30)):
        await bench.done()

    assert set(bench.jobs.held_until) == {bench.clock.now() + timedelta(minutes=30)}


async def test_a_database_that_is_away_is_asked_again() -> None:
    bench = Bench()
    bench.jobs.away = True
    await bench.ask("a")

    async with bench.running():
        await bench.jobs.asked_times(3)
        bench.jobs.away = False
        await bench.done()

    assert bench.steps("done") == 1


async def test_a_job_whose_end_could_not_be_told_is_worked_again_after_its_lease() -> None:
    bench = Bench()
    bench.jobs.deaf = True
    await bench.ask("a")

    async with bench.running():
        await bench.jobs.asked_times(2)
        bench.jobs.deaf = False
        bench.clock.advance(timedelta(minutes=1))
        await bench.done()

    assert bench.begun == ["a", "a"]
    assert (bench.steps("unavailable"), bench.steps("done")) == (1, 1)


async def test_a_step_that_fails_stops_no_other() -> None:
    bench = Bench()
    await bench.ask("bad", "good")

    async def step(job: Job) -> JobResult:
        if job.key == "bad":
            raise LookupError
        return Done()

    async with bench.running(step):
        await bench.jobs.asked_times(5)

    assert set(bench.stored.jobs) == {(KIND, "bad")}
    assert (bench.steps("failed"), bench.steps("done")) == (1, 1)


async def test_who_acts_is_the_system_and_the_job_is_named() -> None:
    bench = Bench()
    await bench.ask("a")
    seen = []

    async def step(_: Job) -> JobResult:
        seen.append(current_caller())
        return Done()

    async with bench.running(step):
        await bench.done()

    assert [(sorted(caller.roles), caller.request_id) for caller in seen] == [(["system"], f"{KIND}:a")]


async def test_what_waits_is_measured() -> None:
    bench = Bench(concurrency=1)
    bench.go.clear()
    await bench.ask("a", "b")
    bench.clock.advance(timedelta(seconds=30))

    async with bench.running():
        await bench.jobs.asked_times(1)

        assert bench.metric("jobs_due_seconds", kind=KIND) == 30
        assert bench.metric("jobs_due", kind=KIND) == 2
        assert bench.metric("jobs_failed", kind=KIND) == 0


async def test_jobs_are_worked_though_they_are_too_many_to_be_counted() -> None:
    """What measures reads more than what claims, and may take longer than a statement may."""
    bench = Bench()
    bench.jobs.uncounted = True
    await bench.ask("a", "b")

    async with bench.running():
        await bench.done()

    assert sorted(bench.begun) == ["a", "b"]


async def test_many_jobs_of_one_kind_do_not_keep_those_of_another_waiting() -> None:
    """A Catalog that answers late holds up its own jobs, not the end of a subscription."""
    bench = Bench(concurrency=3)
    ended = asyncio.Event()

    async def end(_: Job) -> JobResult:
        ended.set()
        return Done()

    bench.go.clear()
    await bench.ask(*map(str, range(20)))
    async with bench.running(other=end):
        await bench.begun_times(2)
        await bench.ask("a", kind=OTHER)
        async with asyncio.timeout(SECONDS):
            await ended.wait()

        assert len(bench.begun) == 2
        bench.go.set()
        await bench.done()
