"""The queue of later work in memory."""

from collections.abc import Sequence
from datetime import datetime

from fakes.store import Store, StoredJob
from library_domain.shared.clock import Clock
from library_domain.shared.ports import JobPayload


class FakeJobs:
    """Asks for jobs, as part of a transaction of the fake unit of work."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def enqueue(
        self,
        kind: str,
        keys: Sequence[str],
        *,
        payload: JobPayload | None = None,
        run_after: datetime | None = None,
    ) -> None:
        now = self._clock.now()
        due_at = now if run_after is None else run_after
        for key in keys:
            new = StoredJob(payload=payload, due_at=due_at, created_at=now, updated_at=now)
            stored = self._store.jobs.setdefault((kind, key), new)
            if stored is not new:
                self._ask_again(stored, new)

    @staticmethod
    def _ask_again(stored: StoredJob, new: StoredJob) -> None:
        if new.payload and (stored.payload is None or _order(new.payload) > _order(stored.payload)):
            stored.payload = new.payload
        stored.updated_at = new.updated_at
        if stored.state == "failed":
            new.payload = stored.payload
            stored.__dict__.update(new.__dict__)
            return
        if stored.state == "running" or stored.cursor is not None:
            stored.asked_at = min(stored.asked_at or new.due_at, new.due_at)
        if stored.state == "waiting":
            stored.due_at = min(stored.due_at, new.due_at)


def _order(payload: JobPayload) -> tuple[object, ...]:
    return payload.event_time, payload.event_id
