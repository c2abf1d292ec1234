"""Make a user's rights what a subscription says, one batch at a time (contract 4.1, data 20)."""

from dataclasses import dataclass
from datetime import datetime

from library_domain.catalog.model import ProductType
from library_domain.catalog.ports import FETCH_METADATA
from library_domain.library.events import SubscriptionApplied
from library_domain.library.model import LibraryEntry
from library_domain.library.ports import END_WITHDRAWN, LibraryUnitOfWork
from library_domain.shared.clock import Clock
from library_domain.shared.ids import IdSource, UserId

BATCH = 500
"""How many games one transaction deals with: the user's mutex is held for that long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplySubscription:
    """Deal with at most `limit` games of this subscription."""

    user_id: UserId
    subscription_id: str
    limit: int = BATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplySubscriptionResult:
    """Whether every right is as it must be now, and when that will change by itself."""

    done: bool
    again_at: datetime | None = None
    """When the rights run out; None if they have, if there are none, or if it is not done."""


class ApplySubscriptionHandler:
    """Compare the rights with the newest state and mend what differs: started anew at any point it goes on from there.

    Games that we have never heard of are added without a name; a job asks Catalog for it.
    """

    def __init__(self, *, uow: LibraryUnitOfWork, clock: Clock, ids: IdSource) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: ApplySubscription) -> ApplySubscriptionResult:
        now = self._clock.now()
        async with self._uow.begin(command.user_id) as tx:
            subscription = await tx.subscriptions.of(command.user_id, command.subscription_id)
            if subscription is None:
                return ApplySubscriptionResult(done=True)
            held = await tx.library.held_from(command.user_id, subscription.source_id)
            differing = subscription.differing(held, now)
            batch = tuple(differing[: command.limit])
            games = await tx.games.known(batch)
            entries = await tx.library.entries(command.user_id, batch)
            for game_id in batch:
                grant = subscription.grant(game_id, held.get(game_id), now)
                game = games.get(game_id)
                if game_id not in entries:
                    entries[game_id] = LibraryEntry.open(
                        entry_id=self._ids.new(),
                        user_id=command.user_id,
                        game_id=game_id,
                        product_type=game.product_type if game else ProductType.GAME,
                        grant=grant,
                        now=now,
                    )
                entries[game_id].hold(grant, now=now, game_name=game.name if game else None)
            if batch:
                in_order = [entries[game_id] for game_id in batch]
                await tx.library.save(*in_order)
                await tx.jobs.enqueue(
                    FETCH_METADATA, [str(game_id) for game_id in batch if game_id not in games]
                )
                if any(entry.lost_access for entry in in_order):
                    await tx.jobs.enqueue(END_WITHDRAWN, [str(command.user_id)])
                tx.record(
                    SubscriptionApplied(
                        user_id=command.user_id,
                        game_id=None,
                        occurred_at=now,
                        subscription_id=command.subscription_id,
                        games=len(batch),
                    ),
                    *(event for entry in in_order for event in entry.events),
                )
        if len(batch) < len(differing):
            return ApplySubscriptionResult(done=False)
        runs_out = bool(subscription.games) and subscription.ends_at > now
        return ApplySubscriptionResult(done=True, again_at=subscription.ends_at if runs_out else None)
