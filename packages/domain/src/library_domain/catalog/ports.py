"""What the catalog slice needs from outside."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from library_domain.catalog.model import Game
from library_domain.shared.ids import GameId
from library_domain.shared.ports import JobQueue, Recorder, UnitOfWork


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


class GameRepository(GameReader, Protocol):
    """Our own read model, inside a transaction."""

    async def save(self, games: Sequence[Game]) -> None:
        """Insert or replace each game unless the stored one is as new; a stub replaces only one that tells less."""
        ...


class CatalogTransaction(Recorder, Protocol):
    """The part of a transaction that this slice needs."""

    @property
    def games(self) -> GameRepository:
        """The read model."""
        ...

    @property
    def jobs(self) -> JobQueue:
        """The queue of later work."""
        ...


CatalogUnitOfWork = UnitOfWork[CatalogTransaction]
