"""Read models of playtime, shaped for the answers (contract 2, details 3.8), and the port that fills them.

Durations are whole seconds, days and weeks are UTC. A session counts once, on the day it began; its seconds on the days
they fell. Running sessions are in no sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from library_domain.playtime.model import Aggregation, Days, ReportPeriod
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Page, Position

GAMES_MAX = 100
"""How many games the statistics name at most, those played longest."""
TOP_GAMES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuery:
    """Which sessions are asked for: those that began in the half-open time, the newest first.

    Raises ValidationFailed naming `from` when there is no such time.
    """

    game_id: GameId | None = None
    start: datetime | None = None
    end: datetime | None = None
    page: Page = field(default_factory=Page)

    def __post_init__(self) -> None:
        """Refuse what would always be empty."""
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValidationFailed(field="from", reason="out_of_order")

    def covers(self, game_id: GameId, start_time: datetime) -> bool:
        """Tell whether a session of this game and start is asked for."""
        return (
            self.game_id in (None, game_id)
            and (self.start is None or self.start <= start_time)
            and (self.end is None or start_time < self.end)
        )


@dataclass(slots=True, kw_only=True)
class PlaytimeSession:
    """One session (spec 5.1.2); of a running one the end and what only an end decides are None."""

    id: UUID
    user_id: UserId
    game_id: GameId
    game_name: str | None
    owner_id: UserId
    start_time: datetime
    end_time: datetime | None
    duration_seconds: int | None
    played_seconds: int
    """What is counted: of a running session so far, of an ended one `duration_seconds`."""
    afk_seconds: int
    suspended_seconds: int
    device_id: str
    platform: str | None
    game_version: str | None
    is_active: bool
    status: str
    end_reason: str | None
    last_heartbeat_at: datetime
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class SessionPage:
    """A part of the history."""

    items: list[PlaytimeSession]
    total: int | None
    """None on a page behind a position, which does not count (data 16)."""
    next: Position | None


@dataclass(slots=True, kw_only=True)
class GamePlaytime:
    """What was played of one game."""

    game_id: GameId
    name: str | None
    total_playtime_seconds: int
    sessions_count: int
    average_session_seconds: int
    longest_session_seconds: int
    last_played_at: datetime | None


@dataclass(slots=True, kw_only=True)
class PeriodPlaytime:
    """What was played in one period: `2025-04-01`, `2025-W14` or `2025-04`. Periods without play are left out."""

    period: str
    total_playtime_seconds: int
    sessions_count: int
    games_played: list[GameId]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsQuery:
    """What is added up: these days, by these periods, of one game or of all."""

    days: Days
    aggregation: Aggregation = Aggregation.DAILY
    game_id: GameId | None = None


@dataclass(slots=True, kw_only=True)
class PlaytimeStats:
    """Sums of the days asked for."""

    first_day: date
    last_day: date
    aggregation: str
    total_playtime_seconds: int
    sessions_count: int
    average_session_seconds: int
    longest_session_seconds: int
    sessions_per_week: float
    last_played_at: datetime | None
    games_count: int
    games: list[GamePlaytime]
    """At most GAMES_MAX, those played longest first."""
    periods: list[PeriodPlaytime]


@dataclass(slots=True, kw_only=True)
class LifetimePage:
    """Everything ever played, by game: those played longest first (contract 5, GetPlaytimeStats)."""

    total_playtime_seconds: int
    sessions_count: int
    average_session_seconds: int
    longest_session_seconds: int
    last_played_at: datetime | None
    games: list[GamePlaytime]
    next: Position | None


@dataclass(slots=True, kw_only=True)
class NewGame:
    """A game that came into the library."""

    game_id: GameId
    name: str | None
    acquisition_date: datetime


@dataclass(slots=True, kw_only=True)
class LongestStreak:
    """Days in a row with play."""

    days: int
    first_day: date
    last_day: date


@dataclass(slots=True, kw_only=True)
class PlaytimeReport:
    """A year or a month of play (contract 2). Members that are None have nothing to tell of: nothing was played."""

    period: str
    first_day: date
    last_day: date
    total_playtime_seconds: int
    sessions_count: int
    games_count: int
    days_played: int
    top_games: list[GamePlaytime]
    busiest_weekday: int | None
    """1 is Monday, 7 is Sunday."""
    busiest_hour: int | None
    """0 to 23, UTC: the hour of the day that most of the play fell into. Known for as long as sessions are kept."""
    longest_streak: LongestStreak | None
    new_games_count: int
    new_games: list[NewGame]
    """The latest TOP_GAMES of them."""


class PlaytimeReader(Protocol):
    """Reads of playtime: each is one user's rows, out of the time that is asked for.

    Of games played equally long the one of the greatest id comes first.

    Every method raises DependencyUnavailable when the database does not answer in time.
    """

    async def sessions(self, user_id: UserId, query: SessionQuery) -> SessionPage:
        """Return the part of the ended sessions that is asked for; of those that began together the greatest id first."""
        ...

    async def running(self, user_id: UserId) -> Sequence[PlaytimeSession]:
        """Return the user's running sessions as of their last sign of life, in the order of the ended ones."""
        ...

    async def stats(self, user_id: UserId, query: StatsQuery) -> PlaytimeStats:
        """Return the sums of some days, each of which has what fell on it.

        `last_played_at` is the end of the latest session of which any part fell on these days; it may lie after them.
        """
        ...

    async def lifetime(self, user_id: UserId, *, game_id: GameId | None, page: Page) -> LifetimePage:
        """Return the sums of all time, of one game or of all, and a page of the games. Every page has the same sums."""
        ...

    async def report(self, user_id: UserId, period: ReportPeriod) -> PlaytimeReport:
        """Return the report of a year or a month.

        A day is played when a session began on it or time of one fell on it. The hours are found by spreading the time of
        each session evenly from its start to its end. Of equals the earliest weekday and hour, and the latest streak. New
        games are those acquired in the period and not refunded, without DLC.
        """
        ...
