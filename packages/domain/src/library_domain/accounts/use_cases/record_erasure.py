"""Remember that a user's data is to be erased (contract 4.7, details 3.1)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from library_domain.accounts.events import ErasureRequested
from library_domain.accounts.model import ErasureJob
from library_domain.accounts.ports import AccountsUnitOfWork
from library_domain.shared.clock import Clock
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordErasure:
    """The account of this user ended."""

    user_id: UserId
    event_id: UUID
    event_time: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordErasureResult:
    """Whether it was news."""

    recorded: bool


class RecordErasureHandler:
    """Write the erasure down, once however often and in whatever order it is asked for; nothing is erased yet."""

    def __init__(self, *, uow: AccountsUnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def __call__(self, command: RecordErasure) -> RecordErasureResult:
        asked = ErasureJob(
            user_id=command.user_id,
            requested_at=command.event_time,
            event_id=command.event_id,
            reason=command.reason,
        )
        async with self._uow.begin(command.user_id) as tx:
            known = await tx.erasures.of(command.user_id)
            job = asked if known is None else known.asked_again(asked)
            if job == known:
                return RecordErasureResult(recorded=False)
            await tx.erasures.save(job)
            if known is None:
                tx.record(
                    ErasureRequested(
                        user_id=job.user_id,
                        game_id=None,
                        occurred_at=self._clock.now(),
                        reason=job.reason,
                    )
                )
        return RecordErasureResult(recorded=known is None)
