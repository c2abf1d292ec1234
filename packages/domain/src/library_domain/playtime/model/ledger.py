"""One user's sums of playtime beside the sessions that they were added up from, to compare the two.

Records add up to days, days to months, months to items; each is compared with what it is added up from. Records are dropped
after 25 months and sums are kept for good, so days are compared only where there still are records.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from library_domain.playtime.model.session import SessionId
from library_domain.shared.discrepancy import Difference, Discrepancy, told
from library_domain.shared.ids import GameId, UserId

RECENT_MAX = 10
"""How many sessions an item shows (contract 2)."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Stretch:
    """The part of an ended session that sums are made of."""

    start_time: datetime
    end_time: datetime
    duration: int
    active_first_day: int = 0
    """How much of `duration` fell on the day it began; 0 in what an item shows, which does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was played of a game in some time."""

    total_playtime: int = 0
    sessions_count: int = 0
    longest_session_seconds: int = 0
    last_played_at: datetime | None = None

    def plus(self, other: "Tally") -> "Tally":
        """Return both together."""
        ends = [end for end in (self.last_played_at, other.last_played_at) if end is not None]
        return Tally(
            total_playtime=self.total_playtime + other.total_playtime,
            sessions_count=self.sessions_count + other.sessions_count,
            longest_session_seconds=max(self.longest_session_seconds, other.longest_session_seconds),
            last_played_at=max(ends, default=None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a library item shows of its game's playtime."""

    total_playtime: int = 0
    last_played_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Playing:
    """A running session."""

    game_id: GameId
    owner_id: UserId
    start_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """Who plays one of the user's copies."""

    session_id: SessionId
    player_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """One user's playtime at one moment, read as a whole."""

    user_id: UserId
    kept_since: date | None
    """The first day whose records are kept; None if none are."""
    sessions: Mapping[GameId, Sequence[Stretch]]
    """By game, in the order in which they began."""
    days: Mapping[tuple[GameId, date], Tally]
    months: Mapping[tuple[GameId, int, int], Tally]
    items: Mapping[GameId, Shown]
    recent: Mapping[GameId, Sequence[Stretch]]
    """The last sessions that each item shows, the newest first."""
    running: Mapping[SessionId, Playing]
    lent: Mapping[GameId, Lent]


def discrepancies(ledger: Ledger) -> Iterator[Discrepancy]:
    """Yield every difference between what is shown of the user's playtime and what it is made of."""
    yield from told(
        ledger.user_id,
        (
            *_wrong_days(ledger),
            *_wrong_months(ledger),
            *_wrong_items(ledger),
            *_wrong_recent(ledger),
            *_seconds_counted_twice(ledger),
            *_wrong_copies(ledger),
        ),
    )


def _wrong_days(ledger: Ledger) -> Iterator[Difference]:
    if ledger.kept_since is None:
        return
    right: defaultdict[tuple[GameId, date], Tally] = defaultdict(Tally)
    for game_id, sessions in ledger.sessions.items():
        for session in sessions:
            for day, tally in _shares(session):
                right[game_id, day] = right[game_id, day].plus(tally)
    for game_id, day in sorted(right.keys() | ledger.days.keys()):
        # A session of the day before may have been dropped with its month, and its seconds after midnight not.
        if day > ledger.kept_since:
            shown = ledger.days.get((game_id, day), Tally())
            yield from _differing(game_id, f"day {day}", shown, right[game_id, day])


def _wrong_months(ledger: Ledger) -> Iterator[Difference]:
    right: defaultdict[tuple[GameId, int, int], Tally] = defaultdict(Tally)
    for (game_id, day), tally in ledger.days.items():
        key = game_id, day.year, day.month
        right[key] = right[key].plus(tally)
    for key in sorted(right.keys() | ledger.months.keys()):
        game_id, year, month = key
        shown = ledger.months.get(key, Tally())
        yield from _differing(game_id, f"month {year:04}-{month:02}", shown, right[key])


def _wrong_items(ledger: Ledger) -> Iterator[Difference]:
    right: defaultdict[GameId, Tally] = defaultdict(Tally)
    for (game_id, _, _), tally in ledger.months.items():
        right[game_id] = right[game_id].plus(tally)
    for game_id in sorted(right.keys() | ledger.items.keys()):
        yield from _differing(game_id, "item", ledger.items.get(game_id, Shown()), right[game_id])


def _wrong_recent(ledger: Ledger) -> Iterator[Difference]:
    for game_id in sorted(ledger.sessions.keys() | ledger.recent.keys()):
        right = sorted(map(_outline, ledger.sessions.get(game_id, ())))[: -RECENT_MAX - 1 : -1]
        shown = [
            _outline(session)
            for session in ledger.recent.get(game_id, ())
            if ledger.kept_since is not None and session.start_time.date() >= ledger.kept_since
        ]
        if shown != right:
            yield game_id, "recent sessions", _starts(shown), _starts(right)


def _seconds_counted_twice(ledger: Ledger) -> Iterator[Difference]:
    for game_id, sessions in sorted(ledger.sessions.items()):
        last_end: datetime | None = None
        for session in sorted(sessions):
            if last_end is not None and session.start_time < last_end:
                yield game_id, "start of a session", session.start_time, last_end
            last_end = session.end_time
    for playing in ledger.running.values():
        ends = [session.end_time for session in ledger.sessions.get(playing.game_id, ())]
        if ends and playing.start_time < max(ends):
            yield playing.game_id, "start of a session", playing.start_time, max(ends)


def _wrong_copies(ledger: Ledger) -> Iterator[Difference]:
    """Compare where owner and player are the same user; of a lent copy the other half is in another user's ledger."""
    for session_id, playing in sorted(ledger.running.items()):
        lent = ledger.lent.get(playing.game_id)
        if playing.owner_id == ledger.user_id and (lent is None or lent.session_id != session_id):
            yield playing.game_id, "copy", None if lent is None else lent.session_id, session_id
    for game_id, lent in sorted(ledger.lent.items()):
        if lent.player_id == ledger.user_id and lent.session_id not in ledger.running:
            yield game_id, "copy", lent.session_id, None


def _shares(session: Stretch) -> Iterator[tuple[date, Tally]]:
    """Yield what the session counts on the day it began, and on the next."""
    day, after_midnight = session.start_time.date(), session.duration - session.active_first_day
    yield (
        day,
        Tally(
            total_playtime=session.active_first_day,
            sessions_count=1,
            longest_session_seconds=session.duration,
            last_played_at=session.end_time,
        ),
    )
    if after_midnight:
        yield (
            day + timedelta(days=1),
            Tally(total_playtime=after_midnight, last_played_at=session.end_time),
        )


def _differing(game_id: GameId, where: str, shown: Tally | Shown, right: Tally) -> Iterator[Difference]:
    for member in fields(shown):
        is_shown, is_right = getattr(shown, member.name), getattr(right, member.name)
        if is_shown != is_right:
            yield game_id, f"{where}: {member.name}", is_shown, is_right


def _outline(session: Stretch) -> tuple[datetime, datetime, int]:
    return session.start_time, session.end_time, session.duration


def _starts(sessions: Sequence[tuple[datetime, datetime, int]]) -> str:
    return ", ".join(f"{start:%Y-%m-%dT%H:%M:%SZ}+{duration}" for start, _, duration in sessions)
