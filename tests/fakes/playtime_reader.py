"""Reads of playtime, from the store of the fakes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fakes.store import KeptSession, Played, Store
from library_domain.catalog.model import ProductType
from library_domain.library.model import LibraryEntry
from library_domain.playtime.model import Days, ReportPeriod, Session, average, longest_streak
from library_domain.playtime.queries import (
    GAMES_MAX,
    TOP_GAMES,
    GamePlaytime,
    LifetimePage,
    LongestStreak,
    NewGame,
    PeriodPlaytime,
    PlaytimeReport,
    PlaytimeSession,
    PlaytimeStats,
    SessionPage,
    SessionQuery,
    StatsQuery,
)
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Page, Position

Day = tuple[date, GameId, Played]
_SECOND = timedelta(seconds=1)
_HOUR = timedelta(hours=1)


class FakePlaytimeReader:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def sessions(self, user_id: UserId, query: SessionQuery) -> SessionPage:
        found = [
            self._ended(kept)
            for (player, _), kept in self._store.ended.items()
            if player == user_id and query.covers(kept.record.session.game_id, kept.record.session.start_time)
        ]
        found.sort(key=lambda each: (each.start_time, each.id), reverse=True)
        page, total = query.page, len(found)
        if page.after is not None:
            behind = (page.after.key, page.after.id)
            found = [each for each in found if (each.start_time, each.id) < behind]
        found = found[page.offset :]
        shown = found[: page.limit]
        return SessionPage(
            items=shown,
            total=total if page.after is None else None,
            next=Position(key=shown[-1].start_time, id=shown[-1].id) if len(found) > len(shown) else None,
        )

    async def running(self, user_id: UserId) -> Sequence[PlaytimeSession]:
        found = [
            self._running(session)
            for (player, _), session in self._store.sessions.items()
            if player == user_id
        ]
        return sorted(found, key=lambda each: (each.start_time, each.id), reverse=True)

    async def stats(self, user_id: UserId, query: StatsQuery) -> PlaytimeStats:
        days = [each for each in self._days(user_id, query.days) if query.game_id in (None, each[1])]
        sums = _sums([played for _, _, played in days])
        games = self._games(days)
        periods: defaultdict[str, list[Day]] = defaultdict(list)
        for day in days:
            periods[query.aggregation.name_of(day[0])].append(day)
        return PlaytimeStats(
            first_day=query.days.first,
            last_day=query.days.last,
            aggregation=query.aggregation,
            sessions_per_week=query.days.per_week(sums["sessions_count"]),
            games_count=len(games),
            games=games[:GAMES_MAX],
            periods=[self._period(name, of_period) for name, of_period in periods.items()],
            **sums,
        )

    async def lifetime(self, user_id: UserId, *, game_id: GameId | None, page: Page) -> LifetimePage:
        months = [
            (date(year, month, 1), game, played)
            for (player, game, year, month), played in self._store.months.items()
            if player == user_id and game_id in (None, game)
        ]
        games = self._games(months)
        if page.after is not None:
            behind = (page.after.key, page.after.id)
            games = [each for each in games if (each.total_playtime_seconds, each.game_id) < behind]
        games = games[page.offset :]
        shown = games[: page.limit]
        last = shown[-1] if len(games) > len(shown) else None
        return LifetimePage(
            games=shown,
            next=None if last is None else Position(key=last.total_playtime_seconds, id=last.game_id),
            **_sums([played for _, _, played in months]),
        )

    async def report(self, user_id: UserId, period: ReportPeriod) -> PlaytimeReport:
        days = self._days(user_id, period.days)
        sums = _sums([played for _, _, played in days])
        dates = sorted({day for day, _, _ in days})
        games, new = self._games(days), self._new(user_id, period.days)
        streak = longest_streak(dates)
        weekdays: Counter[int] = Counter()
        for day, _, played in days:
            weekdays[day.isoweekday()] += played.total_playtime
        return PlaytimeReport(
            period=period.name,
            first_day=period.days.first,
            last_day=period.days.last,
            total_playtime_seconds=sums["total_playtime_seconds"],
            sessions_count=sums["sessions_count"],
            games_count=len(games),
            days_played=len(dates),
            top_games=games[:TOP_GAMES],
            busiest_weekday=_busiest(weekdays),
            busiest_hour=_busiest(self._hours(user_id, period.days)),
            longest_streak=None
            if streak is None
            else LongestStreak(days=streak.days, first_day=streak.first, last_day=streak.last),
            new_games_count=len(new),
            new_games=new[:TOP_GAMES],
        )

    def _days(self, user_id: UserId, days: Days) -> list[Day]:
        return [
            (day, game, played)
            for (player, day, game), played in sorted(self._store.days.items(), key=lambda each: each[0])
            if player == user_id and days.first <= day < days.end
        ]

    def _games(self, days: Iterable[Day]) -> list[GamePlaytime]:
        """Add up by game, those played longest first."""
        by_game: defaultdict[GameId, list[Played]] = defaultdict(list)
        for _, game, played in days:
            by_game[game].append(played)
        games = [
            GamePlaytime(game_id=game, name=self._name(game), **_sums(played))
            for game, played in by_game.items()
        ]
        return sorted(games, key=lambda game: (game.total_playtime_seconds, game.game_id), reverse=True)

    def _period(self, name: str, days: Sequence[Day]) -> PeriodPlaytime:
        sums = _sums([played for _, _, played in days])
        return PeriodPlaytime(
            period=name,
            total_playtime_seconds=sums["total_playtime_seconds"],
            sessions_count=sums["sessions_count"],
            games_played=[game.game_id for game in self._games(days)],
        )

    def _hours(self, user_id: UserId, days: Days) -> Counter[int]:
        """Return the seconds of each hour of the day."""
        hours: Counter[int] = Counter()
        for (player, _), kept in self._store.ended.items():
            session = kept.record.session
            length = (session.end_time - session.start_time) // _SECOND
            at = session.start_time
            while player == user_id and at < session.end_time:
                following = min(at.replace(minute=0, second=0) + _HOUR, session.end_time)
                passed, then = (
                    (at - session.start_time) // _SECOND,
                    (following - session.start_time) // _SECOND,
                )
                share = (
                    session.duration_seconds * then // length - session.duration_seconds * passed // length
                )
                if days.first <= at.date() < days.end:
                    hours[at.hour] += share
                at = following
        return hours

    def _new(self, user_id: UserId, days: Days) -> list[NewGame]:
        entries = [
            entry
            for (owner, _), entry in self._store.entries.items()
            if owner == user_id
            and days.first <= entry.acquisition_date.astimezone(UTC).date() < days.end
            and entry.revoke_reason != "refunded"
            and self._kind(entry) is not ProductType.DLC
        ]
        entries.sort(key=lambda entry: (entry.acquisition_date, entry.game_id), reverse=True)
        return [
            NewGame(
                game_id=entry.game_id,
                name=self._name(entry.game_id),
                acquisition_date=entry.acquisition_date,
            )
            for entry in entries
        ]

    def _kind(self, entry: LibraryEntry) -> ProductType:
        game = self._store.games.get(entry.game_id)
        return game.product_type if game else entry.product_type

    def _name(self, game_id: GameId) -> str | None:
        game = self._store.games.get(game_id)
        return game.name if game else None

    def _ended(self, kept: KeptSession) -> PlaytimeSession:
        session = kept.record.session
        return PlaytimeSession(
            id=session.id,
            user_id=session.user_id,
            game_id=session.game_id,
            game_name=self._name(session.game_id),
            owner_id=session.owner_id,
            start_time=session.start_time,
            end_time=session.end_time,
            duration_seconds=session.duration_seconds,
            played_seconds=session.duration_seconds,
            afk_seconds=session.afk_seconds,
            suspended_seconds=session.suspended_seconds,
            device_id=session.device_id,
            platform=session.platform,
            game_version=session.game_version,
            is_active=False,
            status="completed",
            end_reason=session.reason,
            last_heartbeat_at=session.last_heartbeat_at,
            created_at=kept.created_at,
            updated_at=kept.created_at,
        )

    def _running(self, session: Session) -> PlaytimeSession:
        return PlaytimeSession(
            id=session.id,
            user_id=session.user_id,
            game_id=session.game_id,
            game_name=self._name(session.game_id),
            owner_id=session.owner_id,
            start_time=session.start_time,
            end_time=None,
            duration_seconds=None,
            played_seconds=session.played_seconds,
            afk_seconds=session.afk_seconds,
            suspended_seconds=session.suspended_seconds,
            device_id=session.device_id,
            platform=session.platform,
            game_version=session.game_version,
            is_active=True,
            status=session.status,
            end_reason=None,
            last_heartbeat_at=session.last_heartbeat_at,
            created_at=session.start_time,
            updated_at=session.last_heartbeat_at,
        )


def _sums(parts: Sequence[Played]) -> dict[str, Any]:
    total = sum(part.total_playtime for part in parts)
    count = sum(part.sessions_count for part in parts)
    ends: list[datetime] = [part.last_played_at for part in parts]
    return {
        "total_playtime_seconds": total,
        "sessions_count": count,
        "average_session_seconds": average(total, count),
        "longest_session_seconds": max((part.longest_session_seconds for part in parts), default=0),
        "last_played_at": max(ends, default=None),
    }


def _busiest(seconds: Mapping[int, int]) -> int | None:
    """Return what most seconds fell into, the first of several."""
    most = max(seconds.values(), default=0)
    return min(each for each, count in seconds.items() if count == most) if most else None
