"""Purchases of the project's own sample, with ids that are the same in every run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from uuid import UUID, uuid5

from library_devstack.events import Envelope, purchase_completed
from library_devstack.sample import Dataset, Game

_NAMESPACE = UUID("3d2e7f54-61c1-5b0e-9d5b-0a4f6f0e9c11")
BOUGHT_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def derived(kind: str, name: object) -> UUID:
    """Return the id of something of a test."""
    return uuid5(_NAMESPACE, f"{kind}/{name}")


@cache
def _sample() -> Dataset:
    return Dataset.read()


@cache
def games() -> Sequence[Game]:
    """Return the games that Catalog knows, without DLC."""
    return tuple(game for game in _sample().games.values() if game.parent is None)


@cache
def games_with_dlc() -> Sequence[tuple[Game, Game]]:
    """Return games that Catalog knows, each with a DLC of it."""
    return tuple(
        (_sample().games[game.parent], game) for game in _sample().games.values() if game.parent is not None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One purchase; `about` makes its ids, so the same text is the same purchase."""

    about: str
    user: UUID
    game: UUID
    dlc: tuple[UUID, ...] = ()
    purchase_type: str = "direct"
    gifted_by: UUID | None = None
    product_type: str = "game"
    price: Decimal | None = Decimal("499.00")
    at: datetime = BOUGHT_AT

    @property
    def event_id(self) -> UUID:
        """Return the id of its first event."""
        return derived("event", self.about)

    @property
    def transaction_id(self) -> str:
        """Return Payment's number."""
        return f"txn-{self.about}"

    @property
    def products(self) -> tuple[UUID, ...]:
        """Return everything that it brings."""
        return (self.game, *self.dlc)

    def event(self, *, repetition: int = 0) -> Envelope:
        """Return the event; a repetition tells of the same purchase again, later and under an id of its own."""
        first = purchase_completed(
            event_id=self.event_id,
            user_id=self.user,
            game_id=self.game,
            transaction_id=self.transaction_id,
            at=self.at,
            product_type=self.product_type,
            purchase_type=self.purchase_type,
            price=self.price,
            dlc=self.dlc,
            gifted_by=self.gifted_by,
        )
        if not repetition:
            return first
        return {
            **first,
            "event_id": str(derived("event", f"{self.about}/{repetition}")),
            "timestamp": (self.at + timedelta(minutes=repetition)).isoformat(),
        }
