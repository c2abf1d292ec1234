"""Ask Catalog for a game that was added while Catalog did not tell what it is (contract 4.1; data 21)."""

from dataclasses import dataclass

from library_domain.catalog.ports import CatalogUnitOfWork, GameCatalog, GameReader
from library_domain.shared.ids import GameId


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchMetadata:
    """Fill this stub."""

    game_id: GameId


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchMetadataResult:
    """Whether we know the game now; False: Catalog does not know it either, yet."""

    is_known: bool


class FetchMetadataHandler:
    """A stub that somebody filled meanwhile costs no call; Catalog is asked outside any transaction."""

    def __init__(self, *, reader: GameReader, catalog: GameCatalog, uow: CatalogUnitOfWork) -> None:
        self._reader = reader
        self._catalog = catalog
        self._uow = uow

    async def __call__(self, command: FetchMetadata) -> FetchMetadataResult:
        """Fill the stub. Raises DependencyUnavailable when Catalog does not answer in time."""
        game_id = command.game_id
        known = (await self._reader.known([game_id])).get(game_id)
        if known is not None and not known.is_stub:
            return FetchMetadataResult(is_known=True)
        described = (await self._catalog.games([game_id])).get(game_id)
        if described is None:
            return FetchMetadataResult(is_known=False)
        async with self._uow.begin() as tx:
            await tx.games.save([described])
        return FetchMetadataResult(is_known=True)
