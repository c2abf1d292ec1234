"""Refunds, subscriptions and what has run out, in memory."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from fakes.store import Store
from library_domain.library.model import Refunds, Subscription
from library_domain.shared.ids import GameId, UserId


class FakeRefunds:
    def __init__(self, store: Store, next_revision: Callable[[UserId], int]) -> None:
        self._store = store
        self._next_revision = next_revision

    async def of(self, user_id: UserId, transaction_id: str) -> Refunds:
        by_game = self._store.refunds.get((user_id, transaction_id), {})
        return Refunds(user_id=user_id, transaction_id=transaction_id, by_game=dict(by_game))

    async def save(self, refunds: Refunds) -> None:
        self._next_revision(refunds.user_id)
        stored = self._store.refunds.setdefault((refunds.user_id, refunds.transaction_id), {})
        stored |= {game_id: refunds.by_game[game_id] for game_id in refunds.changed}
        refunds.changed.clear()


class FakeSubscriptions:
    def __init__(self, store: Store, next_revision: Callable[[UserId], int]) -> None:
        self._store = store
        self._next_revision = next_revision

    async def of(self, user_id: UserId, subscription_id: str) -> Subscription | None:
        return self._store.subscriptions.get((user_id, subscription_id))

    async def save(self, subscription: Subscription) -> None:
        self._next_revision(subscription.user_id)
        self._store.subscriptions[subscription.user_id, subscription.subscription_id] = subscription


class FakeOutdatedEntries:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, *, now: datetime, limit: int) -> Mapping[UserId, Sequence[GameId]]:
        outdated = sorted(
            (entry.shown_until, user_id, game_id)
            for (user_id, game_id), entry in self._store.entries.items()
            if entry.shown_until is not None
            and entry.shown_until <= now
            and self._store.users[user_id].erased_at is None
        )
        found: defaultdict[UserId, list[GameId]] = defaultdict(list)
        for _, user_id, game_id in outdated[:limit]:
            found[user_id].append(game_id)
        return found
