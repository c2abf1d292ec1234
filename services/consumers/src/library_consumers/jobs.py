"""The kinds of jobs: what each does with its key and payload, and when it comes again (data 20, 21)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from library_consumers.application import UseCase
from library_consumers.events.download import deferred
from library_domain.catalog.ports import FETCH_METADATA
from library_domain.catalog.use_cases.fetch_metadata import FetchMetadata, FetchMetadataResult
from library_domain.flows.end_withdrawn_sessions import EndWithdrawnSessions, EndWithdrawnSessionsResult
from library_domain.jobs.model import Again, Continue, Done, Dropped, Job, JobResult
from library_domain.jobs.ports import JobStep
from library_domain.library.ports import END_WITHDRAWN
from library_domain.library.use_cases.apply_subscription import ApplySubscription, ApplySubscriptionResult
from library_domain.library.use_cases.change_subscription import APPLY_SUBSCRIPTION
from library_domain.library.use_cases.defer_installation import RECORD_INSTALLATION
from library_domain.library.use_cases.record_installation import RecordInstallation, RecordInstallationResult
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId

PURCHASE_PATIENCE = timedelta(minutes=5)
"""How long a download waits for the purchase of its game (details 3.1)."""
_PURCHASE_PAUSES = (timedelta(seconds=1), timedelta(seconds=30))
_METADATA_PAUSES = (timedelta(minutes=1), timedelta(hours=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The use cases that jobs call. Made once by `bootstrap.open_worker`, or by a test from fakes."""

    fetch_metadata: UseCase[FetchMetadata, FetchMetadataResult]
    apply_subscription: UseCase[ApplySubscription, ApplySubscriptionResult]
    record_installation: UseCase[RecordInstallation, RecordInstallationResult]
    end_withdrawn: UseCase[EndWithdrawnSessions, EndWithdrawnSessionsResult]
    clock: Clock

    def by_kind(self) -> Mapping[str, JobStep]:
        """Return the step of every kind of job. A row more is a kind more."""
        return {
            FETCH_METADATA: self._fetch_metadata,
            APPLY_SUBSCRIPTION: self._apply_subscription,
            RECORD_INSTALLATION: self._record_installation,
            END_WITHDRAWN: self._end_withdrawn,
        }

    async def _fetch_metadata(self, job: Job) -> JobResult:
        result = await self.fetch_metadata(FetchMetadata(game_id=GameId(UUID(job.key))))
        if result.is_known:
            return Done()
        # Catalog answers and does not know it: it may be published any day, and then an event says so too.
        return Again(self._later(job, _METADATA_PAUSES))

    async def _apply_subscription(self, job: Job) -> JobResult:
        user, _, subscription_id = job.key.partition(":")
        result = await self.apply_subscription(
            ApplySubscription(user_id=UserId(UUID(user)), subscription_id=subscription_id)
        )
        if not result.done:
            # What is left is what differs: there is no place to remember.
            return Continue(cursor="the rest")
        return Done() if result.again_at is None else Again(result.again_at)

    async def _record_installation(self, job: Job) -> JobResult:
        if job.payload is None:
            msg = f"a job {job.kind} without a report"
            raise ValueError(msg)
        now = self.clock.now()
        result = await self.record_installation(deferred(job.payload, now=now))
        if result.recorded:
            return Done()
        if now >= job.created_at + PURCHASE_PATIENCE:
            return Dropped()
        return Again(min(self._later(job, _PURCHASE_PAUSES), job.created_at + PURCHASE_PATIENCE))

    async def _end_withdrawn(self, job: Job) -> JobResult:
        await self.end_withdrawn(EndWithdrawnSessions(user_id=UserId(UUID(job.key))))
        return Done()

    def _later(self, job: Job, pauses: tuple[timedelta, timedelta]) -> datetime:
        """Return a time as far ahead as the job is old, within bounds: the longer in vain, the more rarely."""
        now = self.clock.now()
        shortest, longest = pauses
        return now + min(longest, max(shortest, now - job.created_at))
