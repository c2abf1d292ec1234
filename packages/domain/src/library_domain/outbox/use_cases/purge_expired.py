"""Delete records that have served their time (details 3.11, retention)."""

from dataclasses import dataclass
from datetime import timedelta

from library_domain.outbox.ports import ExpiringRecords
from library_domain.shared.clock import Clock
from library_domain.shared.ports import IDEMPOTENCY_HOURS

INBOX_RETENTION = timedelta(days=14)
"""At least as long as topics keep their messages; what comes later finds the effect in the state itself."""
IDEMPOTENCY_RETENTION = timedelta(hours=IDEMPOTENCY_HOURS)
PARKED_RETENTION = timedelta(days=90)
"""A parked event is an alert; three months are enough for a person to publish or drop it."""

REFUND_RETENTION = timedelta(days=30)
"""A purchase that comes later than so long after its refund would be given."""
FAILED_JOB_RETENTION = timedelta(days=30)
"""A job that was given up is an alert too; who needs its effect asks for it anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeExpired:
    """Delete at most `limit` records."""

    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeExpiredResult:
    """How many went, and whether there may be others."""

    purged: int
    more: bool


class PurgeExpiredHandler:
    """One batch of one kind of record. Several at once harm nobody: each record goes once."""

    def __init__(self, *, records: ExpiringRecords, retention: timedelta, clock: Clock) -> None:
        self._records = records
        self._retention = retention
        self._clock = clock

    async def __call__(self, command: PurgeExpired) -> PurgeExpiredResult:
        before = self._clock.now() - self._retention
        found = await self._records.purge(before=before, limit=command.limit)
        return PurgeExpiredResult(purged=found, more=found == command.limit)
