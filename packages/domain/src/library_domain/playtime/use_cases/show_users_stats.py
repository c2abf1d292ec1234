"""Show the statistics of another user to support (contract, GET /users/{user_id}/playtime/stats)."""

from dataclasses import dataclass
from datetime import datetime

from library_domain.playtime.model import MAX_DAYS, Aggregation, Days
from library_domain.playtime.queries import PlaytimeReader, PlaytimeStats, StatsQuery
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.looks import Looks, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowUsersStats:
    """Ask for what ShowStats asks for, of this user, on behalf of `asked_by`."""

    user_id: UserId
    asked_by: UserId
    aggregation: Aggregation = Aggregation.DAILY
    game_id: GameId | None = None
    start: datetime | None = None
    end: datetime | None = None


class ShowUsersStatsHandler:
    """Have the look audited, then look.

    Raises UserNotFound for a user that Account does not know and ValidationFailed naming `from` or `to`.
    """

    def __init__(self, *, reader: PlaytimeReader, looks: Looks, clock: Clock) -> None:
        self._reader = reader
        self._looks = looks
        self._clock = clock

    async def __call__(self, query: ShowUsersStats) -> PlaytimeStats:
        days = Days.between(
            query.start, query.end, now=self._clock.now(), longest=MAX_DAYS[query.aggregation]
        )
        await self._looks.note(Part.PLAYTIME, of=query.user_id, by=query.asked_by)
        asked = StatsQuery(days=days, aggregation=query.aggregation, game_id=query.game_id)
        return await self._reader.stats(query.user_id, asked)
