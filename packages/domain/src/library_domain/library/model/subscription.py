"""A subscription as Payment last told it, and the rights that follow from it (data 1, details 3.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from library_domain.library.model.rights import AcquisitionType, Grant, source_of_subscription
from library_domain.shared.ids import GameId, UserId

MAX_SUBSCRIPTION_GAMES = 5_000
"""How many games one subscription gives at most (details 3.1)."""


class SubscriptionStatus(StrEnum):
    """How a subscription stands, in Payment's words."""

    ACTIVE = "active"
    CANCELLED = "cancelled"
    """Not to be renewed; what is paid for stays until it runs out."""
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRight:
    """What this subscription's right to a game is now, and until when the game's entry shows what it shows."""

    granted_at: datetime
    expires_at: datetime | None
    shown_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The whole state of one subscription: of all that were told, the newest by (event_time, event_id)."""

    user_id: UserId
    subscription_id: str
    status: SubscriptionStatus
    games: frozenset[GameId]
    expires_at: datetime
    event_time: datetime
    event_id: UUID
    first_named: Mapping[GameId, datetime]
    """When each game was first named by any state, the older ones included: since then it is in the library."""

    @property
    def source_id(self) -> str:
        """The source of its rights."""
        return source_of_subscription(self.subscription_id)

    @property
    def ends_at(self) -> datetime:
        """When the games stop being playable: at once for one that ended before it was to run out."""
        if self.status is SubscriptionStatus.EXPIRED:
            return min(self.expires_at, self.event_time)
        return self.expires_at

    def merged(self, other: "Subscription") -> "Subscription":
        """Return what two states say together, in whatever order they came."""
        newest = max(self, other, key=lambda state: (state.event_time, state.event_id))
        first_named = dict(self.first_named)
        for game_id, at in other.first_named.items():
            first_named[game_id] = min(at, first_named.get(game_id, at))
        return replace(newest, first_named=first_named)

    def differing(self, held: Mapping[GameId, HeldRight], now: datetime) -> list[GameId]:
        """Return the games whose right or entry is not yet as it must be, in the order of their ids.

        A game that nobody was ever given, and could not play any more, is left out: the library shows what one had.
        """
        differing = {game_id for game_id, right in held.items() if self._is_outdated(game_id, right, now)}
        if self.ends_at > now:
            differing |= self.games - held.keys()
        return sorted(differing)

    def grant(self, game_id: GameId, held: HeldRight | None, now: datetime) -> Grant:
        """Return the right to this game as it must be. One that left the subscription ended when it left."""
        expires_at = self.ends_at
        if game_id not in self.games:
            left_at = min(self.event_time, now)
            expires_at = min(left_at, held.expires_at or left_at) if held else left_at
        return Grant(
            acquisition_type=AcquisitionType.SUBSCRIPTION,
            source_id=self.source_id,
            granted_at=self.first_named[game_id],
            expires_at=expires_at,
            event_time=self.event_time,
            event_id=self.event_id,
        )

    def _is_outdated(self, game_id: GameId, held: HeldRight, now: datetime) -> bool:
        if held.shown_until is not None and held.shown_until <= now:
            return True
        wanted = self.grant(game_id, held, now)
        return (held.granted_at, held.expires_at) != (wanted.granted_at, wanted.expires_at)
