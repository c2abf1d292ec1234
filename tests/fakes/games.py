"""Catalog and our read model of it, in memory."""

from collections.abc import Callable, Mapping, Sequence

from fakes.store import Store
from library_domain.catalog.model import Game, GameAchievement, GamePrice
from library_domain.catalog.ports import FETCH_METADATA
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import GameId


class FakeGameReader:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def known(self, ids: Sequence[GameId]) -> Mapping[GameId, Game]:
        return {game_id: self._store.games[game_id] for game_id in ids if game_id in self._store.games}


class FakeForgottenStubs:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, *, limit: int) -> Sequence[GameId]:
        stubs = (game_id for game_id, game in sorted(self._store.games.items()) if game.is_stub)
        return [each for each in stubs if (FETCH_METADATA, str(each)) not in self._store.jobs][:limit]


class FakeGames(FakeGameReader):
    def __init__(self, store: Store, on_change: Callable[[], None]) -> None:
        super().__init__(store)
        self._on_change = on_change

    async def save(self, games: Sequence[Game]) -> int:
        replaced = 0
        for game in games:
            if game.replaces(self._store.games.get(game.game_id)):
                self._store.games[game.game_id] = game
                replaced += 1
        if replaced:
            self._on_change()
        return replaced


class FakeAchievements:
    def __init__(self, store: Store, on_change: Callable[[], None]) -> None:
        self._store = store
        self._on_change = on_change

    async def save(self, achievement: GameAchievement) -> bool:
        key = (achievement.game_id, achievement.achievement_id)
        stored = self._store.achievements.get(key)
        if stored and (stored.event_at, stored.event_id) >= (achievement.event_at, achievement.event_id):
            return False
        self._store.achievements[key] = achievement
        self._on_change()
        return True


class FakePrices:
    def __init__(self, store: Store, on_change: Callable[[], None]) -> None:
        self._store = store
        self._on_change = on_change

    async def save(self, price: GamePrice) -> bool:
        key = (price.game_id, price.currency)
        stored = self._store.prices.get(key)
        if stored is None or (stored.event_at, stored.event_id) < (price.event_at, price.event_id):
            self._store.prices[key] = price
            self._on_change()
        told = (*key, price.valid_from, price.event_id)
        is_new = told not in self._store.price_history
        self._store.price_history.setdefault(told, price)
        return is_new


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
