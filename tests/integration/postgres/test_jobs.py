"""Runners beside each other over one queue: each job is worked, by one at a time, whoever dies (data 20)."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic

import psycopg
import pytest
from integration.postgres.pods import Pod, eventually, open_pod, unavailable
from prometheus_client import CollectorRegistry

from library_adapters.postgres.jobs import PostgresJobStore
from library_adapters.system import SystemClock, Uuid7Source
from library_consumers.settings import WorkSection
from library_consumers.work import Worker, WorkMetrics, jitter
from library_domain.jobs.model import Continue, Done, Job, JobResult
from library_domain.jobs.use_cases.work_job import RetryPolicy, WorkJobHandler
from library_domain.shared.errors import DependencyUnavailable

KIND = "library.apply_subscription"
CLOCK = SystemClock()
SECONDS = 20


def store_of(pod: Pod) -> PostgresJobStore:
    return PostgresJobStore(pod.pool, clock=CLOCK, ids=Uuid7Source())


async def ask(pod: Pod, *keys: str) -> None:
    async with pod.uow.begin() as tx:
        await tx.jobs.enqueue(KIND, keys)


async def claim(store: PostgresJobStore, *, limit: int = 10, lease: float = 60) -> Sequence[Job]:
    return await store.claim([KIND], until=CLOCK.now() + timedelta(seconds=lease), limit=limit)


async def left(pod: Pod) -> int:
    return int((await pod.rows("SELECT count(*) AS left FROM jobs"))[0]["left"])


@asynccontextmanager
async def a_runner(
    pod: Pod, step: Callable[[Job], Awaitable[JobResult]], **settings: float
) -> AsyncIterator[asyncio.Task[None]]:
    store = store_of(pod)
    policy = RetryPolicy(first_pause=timedelta(milliseconds=10), longest_pause=timedelta(milliseconds=50))
    defaults: dict[str, float] = {"poll_seconds": 0.02, "away_max_seconds": 0.1}
    worker = Worker(
        store=store,
        work_job=WorkJobHandler(store=store, steps={KIND: step}, policy=policy, clock=CLOCK, jitter=jitter),
        kinds=[KIND],
        settings=WorkSection(**defaults | settings),  # type: ignore[arg-type]
        clock=CLOCK,
        metrics=WorkMetrics(CollectorRegistry()),
    )
    stopping = asyncio.Event()
    task = asyncio.create_task(worker.run(stopping))
    try:
        yield task
    finally:
        stopping.set()
        async with asyncio.timeout(SECONDS):
            await asyncio.wait({task})


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Return when the condition holds. Raises TimeoutError when it does not in time."""
    async with asyncio.timeout(SECONDS):
        while not await condition():  # noqa: ASYNC110 -- what is waited for sends no signal
            await asyncio.sleep(0.01)


async def none_left(pod: Pod) -> None:
    async def is_empty() -> bool:
        return not await left(pod)

    await until(is_empty)


async def test_two_claims_at_once_share_the_jobs(database: str) -> None:
    async with open_pod(database) as one, open_pod(database) as other:
        await ask(one, *map(str, range(100)))

        claims = await asyncio.gather(
            *(claim(store_of(pod), limit=20) for _ in range(5) for pod in (one, other))
        )

        counted = Counter(job.key for jobs in claims for job in jobs)
        assert set(counted.values()) <= {1}
        rest = await claim(store_of(one), limit=100)
        assert len(counted) + len(rest) == 100


async def test_a_claim_does_not_wait_for_a_job_that_somebody_asks_for(database: str) -> None:
    async with open_pod(database) as pod, await psycopg.AsyncConnection.connect(database) as asker:
        await ask(pod, "asked for", "free")
        await asker.execute("SELECT 1 FROM jobs WHERE key = 'asked for' FOR UPDATE")

        assert [job.key for job in await claim(store_of(pod))] == ["free"]


async def test_what_is_asked_for_while_the_end_is_told_is_not_lost(database: str) -> None:
    """The asker's transaction is open while the runner says that it is done: whichever is first, the job runs again."""
    async with open_pod(database) as pod:
        await ask(pod, "a")
        (job,) = await claim(store_of(pod))
        async with pod.uow.begin() as tx:
            await tx.jobs.enqueue(KIND, ["a"])
            finishing = asyncio.create_task(store_of(pod).finish(job))
            await until(pod.somebody_waits_for_a_lock)

        assert await finishing
        assert [job.key for job in await claim(store_of(pod))] == ["a"]


async def test_jobs_that_are_asked_for_all_the_time_run_after_the_last_time(database: str) -> None:
    """Every change that was there when somebody asked is seen by a step that began after it."""
    changed: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    running: Counter[str] = Counter()
    most = 0

    async def step(job: Job) -> JobResult:
        nonlocal most
        running[job.key] += 1
        most = max(most, running[job.key])
        state = changed[job.key]
        await asyncio.sleep(random.uniform(0, 0.01))
        seen[job.key] = state
        running[job.key] -= 1
        return Continue("more") if job.cursor is None and state % 2 else Done()

    async with (
        open_pod(database) as one,
        open_pod(database) as other,
        a_runner(one, step),
        a_runner(other, step),
    ):

        async def keep_asking(key: str) -> None:
            for _ in range(30):
                changed[key] += 1
                await ask(one, key)

        await asyncio.gather(*(keep_asking(str(number)) for number in range(5)))
        await none_left(one)

    assert seen == changed
    assert most == 1


async def test_the_jobs_of_a_runner_that_dies_go_to_another(database: str) -> None:
    """A runner that is cancelled in the middle of its steps says nothing to anybody, as after kill -9."""
    hanging = asyncio.Event()
    worked: list[str] = []

    async def never(_: Job) -> JobResult:
        hanging.set()
        await asyncio.Event().wait()
        return Done()

    async def step(job: Job) -> JobResult:
        worked.append(job.key)
        return Done()

    async with open_pod(database) as one, open_pod(database) as other:
        await ask(one, *map(str, range(5)))
        async with a_runner(one, never, lease_seconds=1.0) as dying:
            async with asyncio.timeout(SECONDS):
                await hanging.wait()
            dying.cancel()
            died = monotonic()
        async with a_runner(other, step):
            await none_left(other)

    assert sorted(worked) == list(map(str, range(5)))
    assert monotonic() - died < SECONDS


async def test_a_step_that_takes_longer_than_a_lease_is_not_begun_twice(database: str) -> None:
    begun: list[str] = []
    go = asyncio.Event()

    async def slow(job: Job) -> JobResult:
        begun.append(job.key)
        await go.wait()
        return Done()

    async with (
        open_pod(database) as one,
        open_pod(database) as other,
        a_runner(one, slow, lease_seconds=0.3),
        a_runner(other, slow, lease_seconds=0.3),
    ):
        await ask(one, "slow")
        await eventually(lambda: begun)
        (first,) = await one.rows("SELECT due_at FROM jobs")

        async def is_past_two_leases() -> bool:
            (row,) = await one.rows("SELECT due_at FROM jobs")
            return bool(row["due_at"] > first["due_at"] + timedelta(seconds=0.6))

        await until(is_past_two_leases)
        go.set()
        await none_left(one)

    assert begun == ["slow"]


async def test_every_job_is_worked_through_failovers(database: str) -> None:
    """The database drops everybody now and then; no job is lost, none stays behind."""
    worked: Counter[str] = Counter()
    keys = list(map(str, range(200)))

    async def step(job: Job) -> JobResult:
        worked[job.key] += 1
        if worked[job.key] % 3 == 1:
            raise DependencyUnavailable("catalog")
        return Done()

    async with open_pod(database) as one, open_pod(database) as other, open_pod(database) as operator:
        await ask(one, *keys)
        async with a_runner(one, step, lease_seconds=1.0), a_runner(other, step, lease_seconds=1.0):
            for _ in range(5):
                before = len(worked)
                await eventually(lambda: len(worked) > before or len(worked) == len(keys))  # noqa: B023 -- at once
                assert not await unavailable(operator.disconnect_everybody())
            await none_left(operator)

    assert set(worked) == set(keys)


@pytest.mark.parametrize("size", [20_000])
async def test_a_claim_from_a_long_queue_reads_what_is_due_only(database: str, size: int) -> None:
    async with open_pod(database) as pod:
        await pod.rows(
            "INSERT INTO jobs (kind, key, due_at, created_at, updated_at)"
            " SELECT %s, n::text, now() + make_interval(secs => n), now(), now() FROM generate_series(1, %s) AS n",
            KIND,
            size,
        )
        await pod.rows("ANALYZE jobs")
        plan = await pod.rows(
            "EXPLAIN SELECT kind, key FROM jobs WHERE state <> 'failed' AND due_at <= now() AND kind = ANY(%s)"
            " ORDER BY due_at LIMIT 8 FOR UPDATE SKIP LOCKED",
            [KIND],
        )

    assert any("jobs_due" in row["QUERY PLAN"] for row in plan)
