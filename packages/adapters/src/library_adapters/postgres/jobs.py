"""The queue of later work in PostgreSQL (data 20)."""

from collections.abc import Callable, Sequence
from datetime import datetime

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.statements import statements

_SQL = statements("jobs")


class PostgresJobs:
    """Implements library_domain.catalog.ports.JobQueue on an open transaction."""

    def __init__(self, connection: Connection, *, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now

    async def enqueue(self, kind: str, keys: Sequence[str]) -> None:
        """See the port. Rows are written in ascending key, so that two askers cannot deadlock."""
        if not keys:
            return
        async with self._connection.cursor() as cursor:
            await cursor.executemany(
                _SQL["enqueue"], [{"kind": kind, "key": key, "now": self._now()} for key in sorted(keys)]
            )
