"""Show the statistics of some days (contract, GET /playtime/stats)."""

from dataclasses import dataclass
from datetime import datetime

from library_domain.playtime.model import MAX_DAYS, Aggregation, Days
from library_domain.playtime.queries import PlaytimeReader, PlaytimeStats, StatsQuery
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowStats:
    """Ask for the half-open time from `start` to `end` (default: the last 30 days), of one game or of all."""

    user_id: UserId
    aggregation: Aggregation = Aggregation.DAILY
    game_id: GameId | None = None
    start: datetime | None = None
    end: datetime | None = None


class ShowStatsHandler:
    """Read the sums of the days that the time touches. Raises ValidationFailed naming `from` or `to`."""

    def __init__(self, *, reader: PlaytimeReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(self, query: ShowStats) -> PlaytimeStats:
        days = Days.between(
            query.start, query.end, now=self._clock.now(), longest=MAX_DAYS[query.aggregation]
        )
        asked = StatsQuery(days=days, aggregation=query.aggregation, game_id=query.game_id)
        return await self._reader.stats(query.user_id, asked)
