"""Keep the state that Payment tells of a subscription (contract 4.1, details 3.1)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from library_domain.library.events import SubscriptionChanged
from library_domain.library.model import Subscription, SubscriptionStatus
from library_domain.library.ports import LibraryUnitOfWork
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId

APPLY_SUBSCRIPTION = "library.apply_subscription"
"""The job that gives and ends the rights; its key is `{user_id}:{subscription_id}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSubscription:
    """The whole new state of a subscription, as the event tells it."""

    user_id: UserId
    subscription_id: str
    status: SubscriptionStatus
    games: frozenset[GameId]
    expires_at: datetime
    event_id: UUID
    event_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSubscriptionResult:
    """Whether it told anything that we did not know."""

    stored: bool


class ChangeSubscriptionHandler:
    """Store the state if it is the newest, and ask for the job: up to 5,000 games are too many for one transaction."""

    def __init__(self, *, uow: LibraryUnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def __call__(self, command: ChangeSubscription) -> ChangeSubscriptionResult:
        told = Subscription(
            user_id=command.user_id,
            subscription_id=command.subscription_id,
            status=command.status,
            games=command.games,
            expires_at=command.expires_at,
            event_time=command.event_time,
            event_id=command.event_id,
            first_named=dict.fromkeys(command.games, command.event_time),
        )
        async with self._uow.begin(command.user_id) as tx:
            stored = await tx.subscriptions.of(command.user_id, command.subscription_id)
            merged = told if stored is None else stored.merged(told)
            if merged == stored:
                return ChangeSubscriptionResult(stored=False)

            await tx.subscriptions.save(merged)
            await tx.jobs.enqueue(APPLY_SUBSCRIPTION, [f"{command.user_id}:{command.subscription_id}"])
            tx.record(
                SubscriptionChanged(
                    user_id=command.user_id,
                    game_id=None,
                    occurred_at=self._clock.now(),
                    subscription_id=command.subscription_id,
                    status=merged.status,
                    games=len(merged.games),
                    expires_at=merged.expires_at,
                )
            )
        return ChangeSubscriptionResult(stored=True)
