"""Take over what Catalog says of a game, and its price if it says one (contract 4.1, details 3.1)."""

from dataclasses import dataclass

from library_domain.catalog.model import Game, GamePrice
from library_domain.catalog.ports import CatalogUnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateGame:
    """The whole state of a game; a deleted one stays with those who own it."""

    game: Game
    price: GamePrice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateGameResult:
    """Whether anything was news."""

    changed: bool


class UpdateGameHandler:
    """Keep the newest state of the game, whatever the order in which states arrive."""

    def __init__(self, *, uow: CatalogUnitOfWork) -> None:
        self._uow = uow

    async def __call__(self, command: UpdateGame) -> UpdateGameResult:
        async with self._uow.begin() as tx:
            replaced = await tx.games.save([command.game])
            # The price has a state of its own: an old description may still tell of a price that we never heard of.
            priced = command.price is not None and await tx.prices.save(command.price)
        return UpdateGameResult(changed=replaced > 0 or priced)
