"""The queue of later work in PostgreSQL (data 20)."""

from collections.abc import Callable, Sequence
from datetime import datetime

from psycopg.rows import DictRow

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.statements import statements
from library_domain.jobs.model import Backlog, Job
from library_domain.shared.clock import Clock
from library_domain.shared.ids import IdSource
from library_domain.shared.ports import JobPayload

_SQL = statements("jobs")


class PostgresJobs:
    """Implements library_domain.shared.ports.JobQueue on an open transaction."""

    def __init__(self, connection: Connection, *, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now

    async def enqueue(
        self,
        kind: str,
        keys: Sequence[str],
        *,
        payload: JobPayload | None = None,
        run_after: datetime | None = None,
    ) -> None:
        """See the port. Rows are written in ascending key, so that two askers cannot deadlock."""
        if not keys:
            return
        now = self._now()
        row: dict[str, object] = {
            "kind": kind,
            "payload": None if payload is None else payload.data,
            "event_time": None if payload is None else payload.event_time,
            "event_id": None if payload is None else payload.event_id,
            "due_at": now if run_after is None else run_after,
            "now": now,
        }
        async with self._connection.cursor() as cursor:
            await cursor.executemany(_SQL["enqueue"], [row | {"key": key} for key in sorted(set(keys))])


class PostgresJobStore:
    """Implements library_domain.jobs.ports.JobStore.

    Each call is a transaction of its own, committed before the step begins: a step may take as long as its lease is
    renewed, and no connection is held meanwhile.
    """

    def __init__(self, pool: Pool, *, clock: Clock, ids: IdSource) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids

    async def claim(self, kinds: Sequence[str], *, until: datetime, limit: int) -> Sequence[Job]:
        """See the port. One lease serves all jobs of a claim."""
        rows = await self._run("claim", kinds=list(kinds), until=until, limit=limit, lease=self._ids.new())
        return [Job(**row) for row in rows]

    async def renew(self, job: Job, *, until: datetime) -> bool:
        """See the port."""
        return await self._end("renew", job, until=until)

    async def finish(self, job: Job) -> bool:
        """See the port. Who asks between the two statements is seen by the second."""
        return await self._end("finish", job) or await self._end("begin_anew", job)

    async def keep(self, job: Job, *, cursor: str) -> bool:
        """See the port."""
        return await self._end("keep", job, cursor=cursor)

    async def again(self, job: Job, *, at: datetime) -> bool:
        """See the port."""
        return await self._end("again", job, at=at)

    async def retry(self, job: Job, *, at: datetime, reason: str, is_failure: bool) -> bool:
        """See the port."""
        return await self._end("retry", job, at=at, reason=reason, is_failure=is_failure)

    async def fail(self, job: Job, *, reason: str) -> bool:
        """See the port."""
        return await self._end("fail", job, reason=reason)

    async def backlog(self) -> Sequence[Backlog]:
        """See the port."""
        return [Backlog(**row) for row in await self._run("backlog")]

    async def _end(self, name: str, job: Job, **parameters: object) -> bool:
        """Run a statement on a job of ours; return whether it still was."""
        return bool(await self._run(name, kind=job.kind, key=job.key, lease=job.lease, **parameters))

    async def _run(self, name: str, **parameters: object) -> list[DictRow]:
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_SQL[name], {"now": self._clock.now(), **parameters})
                return await cursor.fetchall()
