"""Work jobs for as long as the process lives (data 20)."""

import asyncio
import random
from collections import Counter
from collections.abc import Collection
from datetime import timedelta
from time import monotonic, perf_counter

from loguru import logger
from prometheus_client import CollectorRegistry, Gauge

from library_adapters.telemetry import DoorMetrics
from library_consumers.settings import WorkSection
from library_domain.jobs.model import Job
from library_domain.jobs.ports import JobStore
from library_domain.jobs.use_cases.work_job import Outcome, WorkJob, WorkJobHandler
from library_domain.shared.access import Role
from library_domain.shared.caller import Caller, acting
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable

_RENEWALS_PER_LEASE = 3
"""One may fail without the lease being lost."""


class WorkMetrics:
    """Metrics of one runner; its steps are counted at the door `jobs`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.door = DoorMetrics("jobs", registry)
        self.running = Gauge("library_jobs_running", "Jobs that this runner works.", registry=registry)
        self.due = Gauge(
            "library_jobs_due", "Jobs that are due and wait for a runner.", ("kind",), registry=registry
        )
        self.failed = Gauge(
            "library_jobs_failed",
            "Jobs that were given up; a person must look.",
            ("kind",),
            registry=registry,
        )
        self.due_seconds = Gauge(
            "library_jobs_due_seconds",
            "For how long the job is due that waits longest.",
            ("kind",),
            registry=registry,
        )


class Worker:
    """One runner: some jobs side by side, each held by a lease that is renewed while its step lasts.

    Several runners share the jobs; one that dies leaves its jobs to the others when their leases run out.
    """

    def __init__(
        self,
        *,
        store: JobStore,
        work_job: WorkJobHandler,
        kinds: Collection[str],
        settings: WorkSection,
        clock: Clock,
        metrics: WorkMetrics,
        lease: timedelta | None = None,
    ) -> None:
        """`lease` is that of the settings as `clock` measures it; to be given where `clock` runs faster than the machine's."""
        self._store = store
        self._work_job = work_job
        self._kinds = sorted(kinds)
        self._settings = settings
        self._lease = timedelta(seconds=settings.lease_seconds) if lease is None else lease
        self._clock = clock
        self._metrics = metrics
        # A place is kept for each kind: thousands of jobs that wait for Catalog must not hold up the others.
        self._most_of_a_kind = max(1, settings.concurrency - len(self._kinds) + 1)
        self._running: dict[asyncio.Task[None], str] = {}
        self._measure_due = 0.0
        self._failures = 0

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set; the steps in hand are finished first."""
        async with asyncio.TaskGroup() as group:
            told = group.create_task(_wait_for(stopping))
            while not stopping.is_set():
                pause = await self._claim(group)
                await asyncio.wait({told, *self._running}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)

    async def _claim(self, group: asyncio.TaskGroup) -> float | None:
        """Take as many jobs as there are free places; return how long to wait for anything to happen, in seconds."""
        free = self._settings.concurrency - len(self._running)
        if not free:
            return None  # until a step ends
        await self._measure()
        running = Counter(self._running.values())
        kinds = [kind for kind in self._kinds if running[kind] < self._most_of_a_kind]
        # Whatever kind they are, they may not be too many.
        limit = min(free, self._most_of_a_kind - max(running[kind] for kind in kinds))
        try:
            jobs = await self._store.claim(kinds, until=self._clock.now() + self._lease, limit=limit)
        except DependencyUnavailable as error:
            return self._patience(error)
        self._failures = 0
        for job in jobs:
            task = group.create_task(self._work(job))
            self._running[task] = job.kind
            task.add_done_callback(self._forget)
        self._metrics.running.set(len(self._running))
        # A full answer may not have been all.
        return 0.0 if len(jobs) == limit else _between_half_and(self._settings.poll_seconds)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._metrics.running.set(len(self._running))

    async def _work(self, job: Job) -> None:
        """Make a step of the job; whatever happens, the runner goes on."""
        started = perf_counter()
        log = logger.bind(job=job.kind, key=job.key, attempt=job.attempts)
        renewing = asyncio.create_task(self._renew(job))
        try:
            with acting(Caller(roles=frozenset({Role.SYSTEM}), request_id=f"{job.kind}:{job.key}")):
                result = await self._work_job(WorkJob(job=job))
        except DependencyUnavailable as error:
            outcome = Outcome.UNAVAILABLE
            log.warning("what became of a job could not be said; its lease will run out", **error.details)
        except Exception:
            outcome = Outcome.FAILED
            log.exception("a job could not be worked")
        else:
            outcome = result.outcome
            if result.error is not None:
                told = (
                    log
                    if isinstance(result.error, DependencyUnavailable)
                    else log.opt(exception=result.error)
                )
                level = "ERROR" if outcome is Outcome.GIVEN_UP else "WARNING"
                told.log(level, "a step of a job failed: {}", outcome)
            elif outcome in (Outcome.LOST, Outcome.DROPPED):
                log.log("WARNING", "a job was {}", outcome)
        finally:
            renewing.cancel()
        self._metrics.door.observe(job.kind, outcome=outcome, seconds=perf_counter() - started)

    async def _renew(self, job: Job) -> None:
        """Hold the job while its step lasts. Should that fail, another runner may begin the step too: it does nothing twice."""
        while True:
            await asyncio.sleep(self._settings.lease_seconds / _RENEWALS_PER_LEASE)
            try:
                if not await self._store.renew(job, until=self._clock.now() + self._lease):
                    return
            except DependencyUnavailable as error:
                logger.bind(job=job.kind, key=job.key).warning("a lease was not renewed", **error.details)

    async def _measure(self) -> None:
        """Now and then, say what waits. That it cannot be counted in time keeps nobody from working it."""
        if monotonic() < self._measure_due:
            return
        now = self._clock.now()
        try:
            found = {backlog.kind: backlog for backlog in await self._store.backlog()}
        except DependencyUnavailable as error:
            self._measure_due = monotonic() + self._settings.upkeep_seconds
            logger.bind(**error.details).warning("what waits could not be counted")
            return
        for kind in {*self._kinds, *found}:
            backlog = found.get(kind)
            since = backlog.due_since if backlog else None
            self._metrics.due.labels(kind).set(backlog.due if backlog else 0)
            self._metrics.failed.labels(kind).set(backlog.failed if backlog else 0)
            self._metrics.due_seconds.labels(kind).set((now - since).total_seconds() if since else 0.0)
        self._measure_due = monotonic() + self._settings.upkeep_seconds

    def _patience(self, error: DependencyUnavailable) -> float:
        """Return a pause that doubles with each failure."""
        longest = min(
            self._settings.away_max_seconds, self._settings.poll_seconds * 2.0 ** min(self._failures, 30)
        )
        self._failures += 1
        seconds = _between_half_and(longest)
        logger.bind(**error.details).warning("the runner tries again in {:.1f} s", seconds)
        return seconds


async def _wait_for(event: asyncio.Event) -> None:
    await event.wait()


def _between_half_and(longest: float) -> float:
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret


def jitter() -> float:
    """Return a number from 0 to 1, anew each time."""
    return random.random()  # noqa: S311 - jitter, no secret
