"""What working jobs needs: a store to claim them from, and a step for each kind."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from library_domain.jobs.model import Backlog, Job, JobResult

JobStep = Callable[[Job], Awaitable[JobResult]]
"""Does a bounded part of a job. DependencyUnavailable means "not now"; any other error is a bug."""


class JobStore(Protocol):
    """The jobs, of which each is worked by one runner at a time.

    Every method raises DependencyUnavailable when the database does not answer in time. Who no longer holds the lease
    changes nothing: the job is another runner's, and `False` says so.
    """

    async def claim(self, kinds: Sequence[str], *, until: datetime, limit: int) -> Sequence[Job]:
        """Take up to `limit` jobs of these kinds that are due, the longest due first, and hold them until that time.

        A job whose runner let its lease run out is due.
        """
        ...

    async def renew(self, job: Job, *, until: datetime) -> bool:
        """Hold the job for longer."""
        ...

    async def finish(self, job: Job) -> bool:
        """Drop the job. If it was asked for while it ran, it begins anew instead."""
        ...

    async def keep(self, job: Job, *, cursor: str) -> bool:
        """Let go of the job; its next step is due at once and begins here."""
        ...

    async def again(self, job: Job, *, at: datetime) -> bool:
        """Let go of the job; it begins anew at that time, or earlier if it was asked for while it ran."""
        ...

    async def retry(self, job: Job, *, at: datetime, reason: str, is_failure: bool) -> bool:
        """Let go of the job; the same step is tried again at that time, the first one earlier if it was asked for while it ran.

        `is_failure` tells whether the try counts against the job.
        """
        ...

    async def fail(self, job: Job, *, reason: str) -> bool:
        """Give the job up: it stays, for a person to look at, and begins anew when it is asked for again.

        If it was asked for while it ran, it begins anew instead.
        """
        ...

    async def backlog(self) -> Sequence[Backlog]:
        """Return what is due or failed, of each kind that has any."""
        ...
