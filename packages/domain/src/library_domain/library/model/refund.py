"""What was refunded of a transaction, remembered for a purchase that comes later (data 1)."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from library_domain.library.events import RefundRecorded
from library_domain.library.model.rights import Grant, Loss
from library_domain.shared.events import DomainEvent
from library_domain.shared.ids import GameId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One event that took something back."""

    event_time: datetime
    event_id: UUID


@dataclass(slots=True, kw_only=True)
class Refunds:
    """Everything that is known to be refunded of one transaction.

    Rights that its purchase gave or will give are revoked by it, in whatever order the events come: also those to a DLC
    that only a later message of the purchase names.
    """

    user_id: UserId
    transaction_id: str
    by_game: dict[GameId | None, Refund]
    """By product; None stands for everything that the transaction brought."""
    changed: set[GameId | None] = field(default_factory=set)
    events: list[DomainEvent] = field(default_factory=list)

    def take(
        self, game_ids: Collection[GameId], *, event_time: datetime, event_id: UUID, now: datetime
    ) -> None:
        """Remember that these products were refunded, all of the transaction if none is named; the earliest counts."""
        refund = Refund(event_time=event_time, event_id=event_id)
        new = {
            game_id
            for game_id in game_ids or (None,)
            if game_id not in self.by_game or refund.event_time < self.by_game[game_id].event_time
        }
        if not new:
            return
        self.by_game |= dict.fromkeys(new, refund)
        self.changed |= new
        self.events.append(
            RefundRecorded(
                user_id=self.user_id,
                game_id=None,
                occurred_at=now,
                transaction_id=self.transaction_id,
                products=tuple(sorted(game_ids)),
            )
        )

    def applied(self, game_id: GameId, grant: Grant) -> Grant:
        """Return a right to this product that the transaction gives, revoked if it was refunded."""
        refunds = [self.by_game[key] for key in (game_id, None) if key in self.by_game]
        if not refunds:
            return grant
        return grant.revoked(min(refund.event_time for refund in refunds), Loss.REFUNDED)
