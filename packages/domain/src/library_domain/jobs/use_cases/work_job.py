"""Make one step of a claimed job and say what became of it (data 20)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from library_domain.jobs.model import Again, Continue, Done, Dropped, Job, JobResult
from library_domain.jobs.ports import JobStep, JobStore
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable, UserErased


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How a job is tried again: pauses double from the first to the longest, and errors of ours have a bound.

    That a dependency is away is nobody's bug: such a job is tried for as long as it takes.
    """

    first_pause: timedelta = timedelta(seconds=1)
    longest_pause: timedelta = timedelta(minutes=1)
    failures_max: int = 10


class Outcome(StrEnum):
    """What became of a step."""

    DONE = "done"
    DROPPED = "dropped"
    CONTINUED = "continued"
    POSTPONED = "postponed"
    """Done for now; it has named the time of its next round."""
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    """An error of ours; it is tried again."""
    GIVEN_UP = "given_up"
    LOST = "lost"
    """The lease ran out meanwhile; another runner has the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkJob:
    """Work this job, which the caller has claimed and holds."""

    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkJobResult:
    """What became of it, and the error if there was one: whoever asked writes it down."""

    outcome: Outcome
    error: Exception | None = None


class WorkJobHandler:
    """One step, then a word to the store.

    `jitter` gives a number from 0 to 1: a pause is up to half as long again, so that jobs which failed together do not
    come back together.
    """

    def __init__(
        self,
        *,
        store: JobStore,
        steps: Mapping[str, JobStep],
        policy: RetryPolicy,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        self._store = store
        self._steps = steps
        self._policy = policy
        self._clock = clock
        self._jitter = jitter

    async def __call__(self, command: WorkJob) -> WorkJobResult:
        """Work one step. Raises DependencyUnavailable when the store does not answer: the lease will run out."""
        job = command.job
        if job.failures >= self._policy.failures_max:
            # Its runners died of it, one after the other, before they could say so.
            return await self._after(job, RuntimeError("its runners did not live to say what became of it"))
        try:
            result = await self._steps[job.kind](job)
        except UserErased:
            result = Done()  # and nothing is left to be done for them (data 29)
        except Exception as error:  # noqa: BLE001 - whatever a step raises is counted, kept and returned to be logged
            return await self._after(job, error)
        outcome, is_ours = await self._say(job, result)
        return WorkJobResult(outcome=outcome if is_ours else Outcome.LOST)

    async def _say(self, job: Job, result: JobResult) -> tuple[Outcome, bool]:
        match result:
            case Done():
                return Outcome.DONE, await self._store.finish(job)
            case Dropped():
                return Outcome.DROPPED, await self._store.finish(job)
            case Continue(cursor):
                return Outcome.CONTINUED, await self._store.keep(job, cursor=cursor)
            case Again(at):
                return Outcome.POSTPONED, await self._store.again(job, at=at)

    async def _after(self, job: Job, error: Exception) -> WorkJobResult:
        is_away = isinstance(error, DependencyUnavailable)
        # Its type only: the text may quote rows (the log has it, redacted).
        reason = type(error).__name__
        if not is_away and job.failures + 1 >= self._policy.failures_max:
            outcome, is_ours = Outcome.GIVEN_UP, await self._store.fail(job, reason=reason)
        else:
            at = self._clock.now() + self._pause(job, error)
            outcome = Outcome.UNAVAILABLE if is_away else Outcome.FAILED
            is_ours = await self._store.retry(job, at=at, reason=reason, is_failure=not is_away)
        return WorkJobResult(outcome=outcome if is_ours else Outcome.LOST, error=error)

    def _pause(self, job: Job, error: Exception) -> timedelta:
        doublings = min(job.attempts - 1, 30)
        pause = min(self._policy.longest_pause, self._policy.first_pause * 2.0**doublings)
        if isinstance(error, DependencyUnavailable):
            pause = max(pause, timedelta(seconds=error.retry_after_seconds))
        return pause * (1 + self._jitter() / 2)
