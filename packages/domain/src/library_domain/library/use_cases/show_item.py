"""Show one game of the caller's library (contract, GET /{game_id})."""

from dataclasses import dataclass

from library_domain.library.errors import GameNotFound
from library_domain.library.queries import LibraryItemDetail, LibraryReader
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowItem:
    """Ask for this game of this user."""

    user_id: UserId
    game_id: GameId


class ShowItemHandler:
    """Read the game as of now. Raises GameNotFound for a game that the user never had."""

    def __init__(self, *, reader: LibraryReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(self, query: ShowItem) -> LibraryItemDetail:
        item = await self._reader.item(query.user_id, query.game_id, now=self._clock.now())
        if item is None:
            raise GameNotFound(game_id=query.game_id)
        return item
