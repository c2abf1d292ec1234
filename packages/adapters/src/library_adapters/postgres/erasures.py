"""Accounts that ended, in PostgreSQL."""

from dataclasses import asdict

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.statements import statements
from library_domain.accounts.model import ErasureJob, ErasureState
from library_domain.shared.ids import UserId

_SQL = statements("erasures")


class PostgresErasures:
    """Implements library_domain.accounts.ports.ErasureRepository on an open transaction.

    No row is locked: the user's mutex is held, and nothing writes a user's rows without it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def of(self, user_id: UserId) -> ErasureJob | None:
        """See the port."""
        row = await (await self._connection.execute(_SQL["erasure"], {"user_id": user_id})).fetchone()
        return None if row is None else ErasureJob(**row | {"state": ErasureState(row["state"])})

    async def save(self, job: ErasureJob) -> None:
        """See the port."""
        await self._connection.execute(_SQL["save_erasure"], asdict(job))
