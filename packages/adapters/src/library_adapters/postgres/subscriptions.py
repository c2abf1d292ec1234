"""Subscriptions in PostgreSQL."""

from collections.abc import Callable
from datetime import datetime

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.statements import statements
from library_domain.library.model import Subscription, SubscriptionStatus
from library_domain.shared.ids import UserId

_SQL = statements("subscriptions")


class PostgresSubscriptions:
    """Implements library_domain.library.ports.SubscriptionRepository on an open transaction."""

    def __init__(
        self,
        connection: Connection,
        *,
        next_revision: Callable[[UserId], int],
        now: Callable[[], datetime],
    ) -> None:
        self._connection = connection
        self._next_revision = next_revision
        self._now = now

    async def of(self, user_id: UserId, subscription_id: str) -> Subscription | None:
        """See the port."""
        parameters = {"user_id": user_id, "subscription_id": subscription_id}
        row = await (await self._connection.execute(_SQL["of"], parameters)).fetchone()
        if row is None:
            return None
        return Subscription(
            user_id=row["user_id"],
            subscription_id=row["subscription_id"],
            status=SubscriptionStatus(row["status"]),
            games=frozenset(row["games"]),
            expires_at=row["expires_at"],
            event_time=row["event_time"],
            event_id=row["event_id"],
            first_named=dict(zip(row["named"], row["named_at"], strict=True)),
        )

    async def save(self, subscription: Subscription) -> None:
        """See the port."""
        await self._connection.execute(
            _SQL["put"],
            {
                "user_id": subscription.user_id,
                "subscription_id": subscription.subscription_id,
                "status": subscription.status,
                "games": sorted(subscription.games),
                "expires_at": subscription.expires_at,
                "event_time": subscription.event_time,
                "event_id": subscription.event_id,
                "named": list(subscription.first_named),
                "named_at": list(subscription.first_named.values()),
                "revision": self._next_revision(subscription.user_id),
                "now": self._now(),
            },
        )
