"""Show everything that was ever played (contract 5, GetPlaytimeStats)."""

from dataclasses import dataclass, field

from library_domain.playtime.queries import LifetimePage, PlaytimeReader
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowLifetime:
    """Ask for the sums of this user, of one game or of all, and a page of the games."""

    user_id: UserId
    game_id: GameId | None = None
    page: Page = field(default_factory=Page)


class ShowLifetimeHandler:
    """Read the sums."""

    def __init__(self, *, reader: PlaytimeReader) -> None:
        self._reader = reader

    async def __call__(self, query: ShowLifetime) -> LifetimePage:
        return await self._reader.lifetime(query.user_id, game_id=query.game_id, page=query.page)
