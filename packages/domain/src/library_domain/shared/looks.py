"""Support and admin look at what is another's (contract 3; details 1.9 and 1.14; data 12)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable, UserNotFound
from library_domain.shared.events import DomainEvent
from library_domain.shared.ids import UserId
from library_domain.shared.ports import Accounts, Recorder, UnitOfWork


class Part(StrEnum):
    """What of a user's data was looked at."""

    LIBRARY = "library"
    PLAYTIME = "playtime"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt(DomainEvent):
    """Somebody of the platform looked at this user's data: audited, and no change of it."""

    action: ClassVar[str] = "read_other"
    is_change: ClassVar[bool] = False

    part: Part


class Looks:
    """Audits each read of another's data before it happens, so that nothing is shown that is not in the log."""

    def __init__(self, *, accounts: Accounts, uow: UnitOfWork[Recorder], clock: Clock) -> None:
        self._accounts = accounts
        self._uow = uow
        self._clock = clock

    async def note(self, part: Part, *, of: UserId, by: UserId) -> None:
        """Write an audit row that the user `by` reads this part of the data of the user `of`; none for one's own.

        Raises UserNotFound for a user that Account does not know. While Account is away support is served all the same.
        """
        if by == of:
            return
        if await self._is_unknown(of):
            raise UserNotFound(user_id=of)
        async with self._uow.begin() as tx:
            tx.record(LookedAt(user_id=of, game_id=None, occurred_at=self._clock.now(), part=part))

    async def _is_unknown(self, user_id: UserId) -> bool:
        try:
            return not await self._accounts.exists(user_id)
        except DependencyUnavailable:
            return False
