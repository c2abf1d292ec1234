"""Records that have served their time go, a batch at a time."""

from datetime import datetime, timedelta

import pytest
from fakes.clock import START, FakeClock

from library_domain.outbox.use_cases.purge_expired import (
    IDEMPOTENCY_RETENTION,
    INBOX_RETENTION,
    PARKED_RETENTION,
    PurgeExpired,
    PurgeExpiredHandler,
    PurgeExpiredResult,
)


class Records:
    """So many old records, and the questions that were asked."""

    def __init__(self, old: int) -> None:
        self.old = old
        self.asked: list[tuple[datetime, int]] = []

    async def purge(self, *, before: datetime, limit: int) -> int:
        self.asked.append((before, limit))
        purged = min(self.old, limit)
        self.old -= purged
        return purged


@pytest.mark.parametrize(
    ("old", "purged", "more"), [(0, 0, False), (9, 9, False), (10, 10, True), (11, 10, True)]
)
async def test_a_full_batch_means_there_may_be_more(old: int, purged: int, more: bool) -> None:
    records = Records(old)
    purge = PurgeExpiredHandler(records=records, retention=timedelta(days=14), clock=FakeClock())

    result = await purge(PurgeExpired(limit=10))

    assert result == PurgeExpiredResult(purged=purged, more=more)
    assert records.asked == [(START - timedelta(days=14), 10)]


def test_records_are_kept_as_long_as_promised() -> None:
    assert timedelta(days=14) == INBOX_RETENTION
    assert timedelta(hours=24) == IDEMPOTENCY_RETENTION
    assert timedelta(days=90) == PARKED_RETENTION
