"""The queue of later work in memory."""

from collections.abc import Sequence
from datetime import datetime

from fakes.store import Store, StoredJob
from library_domain.jobs.model import Backlog, Job
from library_domain.shared.clock import Clock
from library_domain.shared.ids import IdSource
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
            stored.payload, stored.created_at = new.payload, new.created_at
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


class FakeJobStore:
    """Claims jobs from a store."""

    def __init__(self, store: Store, *, clock: Clock, ids: IdSource) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def claim(self, kinds: Sequence[str], *, until: datetime, limit: int) -> Sequence[Job]:
        now, lease = self._clock.now(), self._ids.new()
        due = [
            (key, stored)
            for key, stored in self._store.jobs.items()
            if key[0] in kinds and stored.state != "failed" and stored.due_at <= now
        ]
        jobs = []
        for (kind, key), stored in sorted(due, key=lambda each: each[1].due_at)[:limit]:
            job = Job(
                kind=kind,
                key=key,
                lease=lease,
                payload=stored.payload.data if stored.payload else None,
                cursor=stored.cursor,
                attempts=stored.attempts + 1,
                failures=stored.failures,
                created_at=stored.created_at,
            )
            stored.state, stored.lease, stored.due_at = "running", lease, until
            stored.attempts += 1
            stored.failures += 1
            if stored.cursor is None:
                stored.asked_at = None
            jobs.append(job)
        return jobs

    async def renew(self, job: Job, *, until: datetime) -> bool:
        stored = self._held(job)
        if stored:
            stored.due_at = until
        return stored is not None

    async def finish(self, job: Job) -> bool:
        stored = self._held(job)
        if stored and stored.asked_at is None:
            del self._store.jobs[job.kind, job.key]
        elif stored and stored.asked_at is not None:
            stored.created_at = self._clock.now()
            self._rest(stored, due_at=stored.asked_at)
        return stored is not None

    async def keep(self, job: Job, *, cursor: str) -> bool:
        stored = self._held(job)
        if stored:
            asked_at = stored.asked_at
            self._rest(stored, due_at=self._clock.now())
            stored.cursor, stored.asked_at = cursor, asked_at
        return stored is not None

    async def again(self, job: Job, *, at: datetime) -> bool:
        stored = self._held(job)
        if stored:
            self._rest(stored, due_at=min(at, stored.asked_at or at))
        return stored is not None

    async def retry(self, job: Job, *, at: datetime, reason: str, is_failure: bool) -> bool:
        stored = self._held(job)
        if stored:
            stored.state, stored.lease = "waiting", None
            stored.due_at = at
            if stored.cursor is None:
                stored.due_at, stored.asked_at = min(at, stored.asked_at or at), None
            if not is_failure:
                stored.failures -= 1
        return stored is not None

    async def fail(self, job: Job, *, reason: str) -> bool:
        stored = self._held(job)
        if stored and stored.asked_at is not None:
            self._rest(stored, due_at=stored.asked_at)
        elif stored:
            stored.state, stored.lease = "failed", None
        return stored is not None

    async def backlog(self) -> Sequence[Backlog]:
        now = self._clock.now()
        result = []
        for kind in sorted({kind for kind, _ in self._store.jobs}):
            jobs = [stored for (its, _), stored in self._store.jobs.items() if its == kind]
            failed = [job for job in jobs if job.state == "failed"]
            due = [job.due_at for job in jobs if job.state != "failed" and job.due_at <= now]
            if due or failed:
                result.append(
                    Backlog(kind=kind, due=len(due), failed=len(failed), due_since=min(due, default=None))
                )
        return result

    def _held(self, job: Job) -> StoredJob | None:
        stored = self._store.jobs.get((job.kind, job.key))
        return stored if stored and stored.lease == job.lease else None

    @staticmethod
    def _rest(stored: StoredJob, *, due_at: datetime) -> None:
        stored.state, stored.lease, stored.cursor, stored.asked_at = "waiting", None, None, None
        stored.due_at, stored.attempts, stored.failures = due_at, 0, 0
