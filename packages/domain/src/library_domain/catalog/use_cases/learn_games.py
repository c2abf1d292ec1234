"""Make sure that the read model has a row for each game before somebody comes to own it."""

from collections.abc import Mapping
from dataclasses import dataclass

from library_domain.catalog.model import Game, ProductType
from library_domain.catalog.ports import FETCH_METADATA, CatalogUnitOfWork, GameCatalog, GameReader
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import GameId


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnGames:
    """Learn a product and the DLC that came with it, as far as the event tells."""

    game_id: GameId
    product_type: ProductType | None = None
    dlc: tuple[GameId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnGamesResult:
    """What became of it."""

    learned: int
    stubs: int


class LearnGamesHandler:
    """Ask Catalog, outside any transaction, for what we do not know; keep a stub of what it does not tell.

    A purchase is never refused for want of a name (contract 4.1), so Catalog's absence is no error here.
    """

    def __init__(
        self, *, reader: GameReader, catalog: GameCatalog, uow: CatalogUnitOfWork, clock: Clock
    ) -> None:
        self._reader = reader
        self._catalog = catalog
        self._uow = uow
        self._clock = clock

    async def __call__(self, command: LearnGames) -> LearnGamesResult:
        wanted = (command.game_id, *command.dlc)
        known = await self._reader.known(wanted)
        missing = sorted(set(wanted) - known.keys())
        described = await self._ask(missing) if missing else {}
        stubs = [self._stub(game_id, command) for game_id in missing if game_id not in described]
        # A purchase may say more of a stub than the one before it did.
        told = [self._stub(game_id, command) for game_id in sorted(known) if known[game_id].is_stub]
        stubs += [stub for stub in told if stub.tells_more_than(known[stub.game_id])]
        if not described and not stubs:
            return LearnGamesResult(learned=0, stubs=0)

        async with self._uow.begin() as tx:
            await tx.games.save([*described.values(), *stubs])
            await tx.jobs.enqueue(FETCH_METADATA, [str(stub.game_id) for stub in stubs])
        return LearnGamesResult(learned=len(described), stubs=len(stubs))

    async def _ask(self, ids: list[GameId]) -> Mapping[GameId, Game]:
        try:
            return await self._catalog.games(ids)
        except DependencyUnavailable:
            return {}

    def _stub(self, game_id: GameId, command: LearnGames) -> Game:
        is_dlc = game_id != command.game_id
        return Game(
            game_id=game_id,
            event_at=self._clock.now(),
            product_type=ProductType.DLC if is_dlc else command.product_type or ProductType.GAME,
            parent_game_id=command.game_id if is_dlc else None,
        )
