"""Catalog and our read model of it, in memory."""

from collections.abc import Mapping, Sequence

from fakes.store import Store
from library_domain.catalog.model import Game
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import GameId


class FakeGameReader:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def known(self, ids: Sequence[GameId]) -> Mapping[GameId, Game]:
        return {game_id: self._store.games[game_id] for game_id in ids if game_id in self._store.games}


class FakeCatalog:
    """Describes the games it was given; `away = True` makes it stop answering."""

    def __init__(self, *games: Game) -> None:
        self.described = {game.game_id: game for game in games}
        self.away = False
        self.questions: list[tuple[GameId, ...]] = []

    async def games(self, ids: Sequence[GameId]) -> Mapping[GameId, Game]:
        self.questions.append(tuple(ids))
        if self.away:
            raise DependencyUnavailable("catalog")
        return {game_id: self.described[game_id] for game_id in ids if game_id in self.described}
