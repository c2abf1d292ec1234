"""What is kept of a session once its time is in the totals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from library_domain.playtime.events import PlaytimeAnomalyNoticed, PlaytimeUpdated, SessionEndedEvent
from library_domain.playtime.model.session import EndedSession
from library_domain.shared.events import DomainEvent

DAY_SECONDS_NOTED = 20 * 3_600
GAMES_AT_ONCE_NOTED = 3
AT_ONCE_AFTER = timedelta(hours=1)
"""For how long games must have run side by side to be noted."""
NEVER_IDLE_NOTED = timedelta(hours=12)


class Anomaly(StrEnum):
    """What makes playtime suspicious (details 1.26)."""

    LONG_DAY = "long_day"
    """More than 20 hours are counted in one UTC day."""
    MANY_GAMES = "many_games"
    """More than 3 games were played at once for more than an hour."""
    NEVER_IDLE = "never_idle"
    """No idle time was told in more than 12 hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The user's sums after a session was added to them, in seconds."""

    total_playtime_seconds: int
    """Of the game."""
    by_day: Mapping[date, int]
    """Of all games, on the days that the session touched."""
    long_running: int
    """How many of the user's other sessions run for longer than AT_ONCE_AFTER."""

    def plus(self, session: EndedSession) -> "Sums":
        """Return the sums with this session in them."""
        return Sums(
            total_playtime_seconds=self.total_playtime_seconds + session.duration_seconds,
            by_day={
                share.day: self.by_day.get(share.day, 0) + share.active_seconds for share in session.days
            },
            long_running=self.long_running,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """What an end answers, and every repetition of it: the same each time (contract 2)."""

    session: EndedSession
    total_playtime_seconds: int
    """The playtime of the game with this session, as it was at its end."""
    sums: Sums | None = field(default=None, compare=False)
    """Known to the one who ended it; None when the record is read again later."""

    @classmethod
    def of(cls, session: EndedSession, sums: Sums) -> "SessionRecord":
        """Make the record of a session that is in these sums."""
        return cls(session=session, total_playtime_seconds=sums.total_playtime_seconds, sums=sums)

    def events(self, *, now: datetime, game_name: str | None) -> Iterator[DomainEvent]:
        """Return the facts of the end, and what is suspicious about it, for the one who ended it."""
        session = self.session
        yield SessionEndedEvent(
            user_id=session.user_id,
            game_id=session.game_id,
            occurred_at=now,
            game_name=game_name,
            session_id=session.id,
            start_time=session.start_time,
            end_time=session.end_time,
            reason=session.reason,
            duration_seconds=session.duration_seconds,
            afk_seconds=session.afk_seconds,
            suspended_seconds=session.suspended_seconds,
            total_playtime_seconds=self.total_playtime_seconds,
            device_id=session.device_id,
            platform=session.platform,
            game_version=session.game_version,
            owner_id=session.owner_id,
        )
        yield PlaytimeUpdated(
            user_id=session.user_id,
            game_id=session.game_id,
            occurred_at=now,
            game_name=game_name,
            session_id=session.id,
            total_playtime_seconds=self.total_playtime_seconds,
            last_played_at=session.end_time,
        )
        yield from self._anomalies(now)

    def _anomalies(self, now: datetime) -> Iterator[PlaytimeAnomalyNoticed]:
        if self.sums is None:
            return
        for day, seconds in self.sums.by_day.items():
            if seconds > DAY_SECONDS_NOTED:
                yield self._anomaly(Anomaly.LONG_DAY, now, day=day, seconds=seconds)
        length = self.session.end_time - self.session.start_time
        if length > AT_ONCE_AFTER and self.sums.long_running >= GAMES_AT_ONCE_NOTED:
            yield self._anomaly(Anomaly.MANY_GAMES, now, games=self.sums.long_running + 1)
        if length > NEVER_IDLE_NOTED and not self.session.told_idle:
            yield self._anomaly(Anomaly.NEVER_IDLE, now, seconds=length // timedelta(seconds=1))

    def _anomaly(
        self,
        kind: Anomaly,
        now: datetime,
        *,
        day: date | None = None,
        seconds: int | None = None,
        games: int | None = None,
    ) -> PlaytimeAnomalyNoticed:
        return PlaytimeAnomalyNoticed(
            user_id=self.session.user_id,
            game_id=self.session.game_id,
            occurred_at=now,
            kind=kind,
            session_id=self.session.id,
            day=day,
            seconds=seconds,
            games=games,
        )
