"""What the accounts slice needs from its transaction."""

from typing import Protocol

from library_domain.accounts.model import ErasureJob
from library_domain.shared.ids import UserId
from library_domain.shared.ports import Recorder, UnitOfWork


class ErasureRepository(Protocol):
    """Erasures that were asked for. The user's mutex must be held."""

    async def of(self, user_id: UserId) -> ErasureJob | None:
        """Return the erasure of this user; None if nobody asked for one."""
        ...

    async def save(self, job: ErasureJob) -> None:
        """Keep the erasure in the place of what was known of it."""
        ...


class AccountsTransaction(Recorder, Protocol):
    """The part of a transaction that this slice needs."""

    @property
    def erasures(self) -> ErasureRepository:
        """Erasures that were asked for."""
        ...


AccountsUnitOfWork = UnitOfWork[AccountsTransaction]
