"""Take back what a refunded purchase gave (contract 4.1, details 3.1)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from library_domain.library.model import Loss
from library_domain.library.ports import END_WITHDRAWN, LibraryUnitOfWork
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPurchase:
    """A refund, as the event tells it: of the named products, or of the whole transaction if it names none."""

    user_id: UserId
    transaction_id: str
    event_id: UUID
    event_time: datetime
    game_id: GameId | None = None
    dlc: tuple[GameId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPurchaseResult:
    """The products that the user may not play any more."""

    withdrawn: tuple[GameId, ...]


class RefundPurchaseHandler:
    """Revoke the rights that the transaction gave, and remember the refund for those that it has yet to give.

    The entries stay, with what the user made of them. A user who has another right to the product keeps access by it.
    """

    def __init__(self, *, uow: LibraryUnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def __call__(self, command: RefundPurchase) -> RefundPurchaseResult:
        now = self._clock.now()
        named = frozenset(command.dlc if command.game_id is None else (*command.dlc, command.game_id))

        async with self._uow.begin(command.user_id) as tx:
            refunds = await tx.refunds.of(command.user_id, command.transaction_id)
            refunds.take(named, event_time=command.event_time, event_id=command.event_id, now=now)
            if not refunds.changed:
                return RefundPurchaseResult(withdrawn=())

            given = await tx.library.games_of(command.user_id, command.transaction_id)
            refunded = tuple(game_id for game_id in given if not named or game_id in named)
            entries = await tx.library.entries(command.user_id, refunded)
            games = await tx.games.known(refunded)
            withdrawn = tuple(
                game_id
                for game_id in refunded
                if entries[game_id].revoke(
                    command.transaction_id,
                    at=command.event_time,
                    reason=Loss.REFUNDED,
                    now=now,
                    game_name=games[game_id].name if game_id in games else None,
                )
            )
            await tx.refunds.save(refunds)
            await tx.library.save(*(entry for entry in entries.values() if entry.events))
            if withdrawn:
                await tx.jobs.enqueue(END_WITHDRAWN, [str(command.user_id)])
            tx.record(*refunds.events, *(event for entry in entries.values() for event in entry.events))
        return RefundPurchaseResult(withdrawn=withdrawn)
