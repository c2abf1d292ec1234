"""The queue of later work in PostgreSQL (data 20)."""

from collections.abc import Callable, Sequence
from datetime import datetime

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.statements import statements
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
