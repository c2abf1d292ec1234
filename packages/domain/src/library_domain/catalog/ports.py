"""What the catalog slice needs from outside."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from library_domain.catalog.model import Game, GameAchievement, GamePrice
from library_domain.shared.ids import GameId
from library_domain.shared.ports import JobQueue, Recorder, UnitOfWork

FETCH_METADATA = "catalog.fetch_metadata"
"""The job that asks Catalog for a game that we know nothing of but its id (data 21)."""


class GameCatalog(Protocol):
    """Catalog, the service."""

    async def games(self, ids: Sequence[GameId]) -> Mapping[GameId, Game]:
        """Return what Catalog says of these games; an absent id is unknown to it.

        Raises DependencyUnavailable when it does not answer in time.
        """
        ...


class GameReader(Protocol):
    """Our own read model."""

    async def known(self, ids: Sequence[GameId]) -> Mapping[GameId, Game]:
        """Return the games that we have a row for, stubs included."""
        ...


class ForgottenStubs(Protocol):
    """Games without a name whom no job asks after."""

    async def find(self, *, limit: int) -> Sequence[GameId]:
        """Return at most `limit` of them, without taking any lock (data 27).

        Raises DependencyUnavailable when the database does not answer in time.
        """
        ...


class GameRepository(GameReader, Protocol):
    """Our own read model, inside a transaction."""

    async def save(self, games: Sequence[Game]) -> int:
        """Keep each game that replaces the stored one (Game.replaces); return how many did."""
        ...


class AchievementRepository(Protocol):
    """What games offer to achieve, inside a transaction."""

    async def save(self, achievement: GameAchievement) -> bool:
        """Keep it unless the stored state is as new; return whether it was kept."""
        ...


class PriceRepository(Protocol):
    """Prices, current and past (data 22), inside a transaction."""

    async def save(self, price: GamePrice) -> bool:
        """Add it to the history, and make it the current one unless that is as new; return whether the history grew.

        The same event adds nothing twice. The history keeps what every event told, so that its order of arrival does
        not show; equal neighbours are for the reader to fold.
        """
        ...


class CatalogTransaction(Recorder, Protocol):
    """The part of a transaction that this slice needs."""

    @property
    def games(self) -> GameRepository:
        """The read model of games."""
        ...

    @property
    def achievements(self) -> AchievementRepository:
        """The read model of achievements."""
        ...

    @property
    def prices(self) -> PriceRepository:
        """The read model of prices."""
        ...

    @property
    def jobs(self) -> JobQueue:
        """The queue of later work."""
        ...


CatalogUnitOfWork = UnitOfWork[CatalogTransaction]
