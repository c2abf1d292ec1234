"""Sessions as the suite of the playtime's reader needs them, and what they add up to, second by second."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID

from builders import NOON, a_game, a_grant, a_session, game_id, session_id, user_id
from contract.worlds import World

from library_domain.catalog.model import ProductType
from library_domain.library.model import LibraryEntry
from library_domain.playtime.model import DayShare, EndedSession, EndReason, SessionId
from library_domain.shared.ids import GameId, UserId

GAMES = ("Portal", "Ёж", "a game without a name")
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A session that is over, as a test imagines it: of every three seconds `awake` counted."""

    game: str = "Portal"
    start: datetime = NOON
    seconds: int = 3_600
    awake: int = 3
    id: SessionId = field(default_factory=lambda: session_id(f"visit {next(_numbers)}"))

    @property
    def game_id(self) -> GameId:
        return game_id(self.game)

    @property
    def end(self) -> datetime:
        return self.start + self.seconds * SECOND

    @property
    def by_day(self) -> dict[date, int]:
        """What counted of each day."""
        midnight = datetime.combine(self.start.date() + DAY, datetime.min.time(), UTC)
        first = min(self.end, midnight) - self.start
        second = max(self.end - midnight, timedelta())
        counted = {self.start.date(): first // SECOND * self.awake // 3}
        return counted | ({midnight.date(): later} if (later := second // SECOND * self.awake // 3) else {})

    @property
    def duration(self) -> int:
        return sum(self.by_day.values())

    def hours(self) -> Iterable[tuple[datetime, int]]:
        """Say of each second how much of the time that counts fell into it, were it spread evenly."""
        duration = self.duration
        for n in range(self.seconds):
            share = duration * (n + 1) // self.seconds - duration * n // self.seconds
            yield self.start + n * SECOND, share


def somebody() -> UserId:
    """Return a user that no other example has used."""
    return user_id(f"player {next(_numbers)}")


def entry_id(user: UserId, game: str) -> UUID:
    return game_id(f"{user} {game}")


async def own(
    world: World,
    user: UserId,
    *games: str,
    kind: ProductType = ProductType.GAME,
    since: datetime = NOON - 1_000 * DAY,
) -> None:
    """Put the games into the user's library; Catalog knows their names, if they have one."""
    async with world.uow.begin(user) as tx:
        named = [name for name in games if name != GAMES[-1]]
        await tx.games.save([a_game(name, product_type=kind) for name in named])
        for name in games:
            grant = a_grant(granted_at=since, transaction_id=name)
            entry = LibraryEntry.open(
                entry_id=entry_id(user, name),
                user_id=user,
                game_id=game_id(name),
                product_type=kind,
                grant=grant,
                now=NOON,
            )
            entry.add(grant, now=NOON, game_name=None)
            await tx.library.save(entry)


async def play(world: World, user: UserId, *visits: Visit) -> None:
    """Let the user play, one session after the other."""
    async with world.uow.begin(user) as tx:
        for visit in visits:
            session = a_session(
                session_id=visit.id,
                user_id=user,
                game_id=visit.game_id,
                library_item_id=entry_id(user, visit.game),
                owner_id=user,
                now=visit.start,
            )
            await tx.sessions.open(session)
            days = sorted(visit.by_day.items())
            await tx.sessions.close(
                EndedSession(
                    id=session.id,
                    user_id=user,
                    game_id=session.game_id,
                    library_item_id=session.library_item_id,
                    owner_id=user,
                    device_id=session.device_id,
                    platform=session.platform,
                    game_version=session.game_version,
                    start_time=visit.start,
                    end_time=visit.end,
                    last_heartbeat_at=visit.end,
                    clock_skew_seconds=None,
                    reason=EndReason.CLIENT,
                    over_since=visit.end,
                    days=tuple(
                        DayShare(day=day, active_seconds=seconds, sessions=1 - n)
                        for n, (day, seconds) in enumerate(days)
                    ),
                    afk_seconds=visit.seconds - visit.duration,
                    suspended_seconds=0,
                    told_idle=False,
                )
            )


async def begin(world: World, user: UserId, game: str, *, of: UserId | None = None) -> None:
    """Let the user begin to play their own copy, or somebody else's, at noon; a borrower has an entry too (details 2.8)."""
    if of is not None:
        await own(world, user, game)
    async with world.uow.begin(user) as tx:
        await tx.sessions.open(
            a_session(
                user_id=user,
                game_id=game_id(game),
                library_item_id=entry_id(user, game),
                owner_id=of or user,
            )
        )


def newest_first(visits: Iterable[Visit]) -> list[Visit]:
    return sorted(visits, key=lambda visit: (visit.start, visit.id), reverse=True)


@dataclass
class Tally:
    """What some sessions add up to on some days."""

    seconds: int = 0
    sessions: int = 0
    longest: int = 0
    last: datetime | None = None
    by_game: dict[GameId, "Tally"] = field(default_factory=dict)

    def add(self, visit: Visit, day: date, seconds: int) -> None:
        self.seconds += seconds
        self.last = max(self.last or visit.end, visit.end)
        if day == visit.start.date():
            self.sessions += 1
            self.longest = max(self.longest, visit.duration)

    @property
    def figures(self) -> tuple[object, ...]:
        average = self.seconds // self.sessions if self.sessions else 0
        return self.seconds, self.sessions, average, self.longest, self.last

    @property
    def ranking(self) -> list[GameId]:
        """The games, those played longest first."""
        return sorted(self.by_game, key=lambda game: (self.by_game[game].seconds, game), reverse=True)


def tally(visits: Sequence[Visit], days: Iterable[date]) -> Tally:
    """Go through the days, and through the sessions of each."""
    whole = Tally(by_game=defaultdict(Tally))
    for day in days:
        for visit in visits:
            if day in visit.by_day:
                for part in (whole, whole.by_game[visit.game_id]):
                    part.add(visit, day, visit.by_day[day])
    return whole


def busiest(visits: Iterable[Visit], days: Collection[date]) -> tuple[int | None, int | None]:
    """Return the weekday, by the days' sums, and the hour of the day, by the seconds."""
    weekdays: Counter[int] = Counter()
    hours: Counter[int] = Counter()
    for visit in visits:
        for day, seconds in visit.by_day.items():
            weekdays[day.isoweekday()] += seconds if day in days else 0
        for second, share in visit.hours():
            hours[second.hour] += share if second.date() in days else 0
    return _first_of_most(weekdays), _first_of_most(hours)


def streaks(days: Iterable[date]) -> list[tuple[int, date]]:
    """Return every run of days in a row: how long it is, and its last day."""
    played = set(days)
    runs = []
    for last in played:
        if last + DAY not in played:
            length = 1
            while last - length * DAY in played:
                length += 1
            runs.append((length, last))
    return runs


def _first_of_most(counts: Counter[int]) -> int | None:
    most = max(counts.values(), default=0)
    return min((each for each in counts if counts[each] == most), default=None) if most else None
