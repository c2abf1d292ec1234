"""A running session, and the rules of its time (contract 4.2, data 6 and 7).

Time is kept in whole seconds: the moment of each contact is cut down to its second before anything is computed from it,
so that differences are exact, nothing is lost by rounding, and what is counted always adds up to `end - start`.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NewType
from uuid import UUID

from library_domain.playtime.events import SessionStarted
from library_domain.shared.ids import GameId, UserId

SessionId = NewType("SessionId", UUID)

HEARTBEAT_INTERVAL = timedelta(seconds=60)
"""How often a client is asked to call."""
SILENCE_MAX = timedelta(seconds=180)
"""A session that is silent for longer is over: three heartbeats were missed."""
AFK_AFTER = timedelta(seconds=600)
"""Without input for longer, the time since the last input is away-from-keyboard and not counted."""
AFK_MAX = timedelta(seconds=3_600)
"""A session without input for so long is over since the last input."""
LENGTH_MAX = timedelta(hours=24)
SKEW_NOTED = timedelta(minutes=5)
"""A client's clock that is further off is noted with the session."""
CLOCKS_APART = timedelta(minutes=1)
"""How far the clocks of our own processes may differ; no time further ahead than this was written by one of them."""
_SECOND = timedelta(seconds=1)
_UUID7 = 7


class EndReason(StrEnum):
    """Why a session ended (details 3.7)."""

    CLIENT = "client"
    TIMEOUT = "timeout"
    AFK = "afk"
    TAKEN_OVER = "taken_over"
    OWNER_PREEMPTED = "owner_preempted"
    ACCESS_REVOKED = "access_revoked"
    MAX_DURATION = "max_duration"
    ACCOUNT_ERASED = "account_erased"


class SessionStatus(StrEnum):
    """What a session shows of itself (details 3.8)."""

    ACTIVE = "active"
    AFK = "afk"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """When and why a session ends; `since` is the moment from which it was over, whoever noticed it later."""

    at: datetime
    reason: EndReason
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DayShare:
    """What a session counts on one UTC day, in seconds."""

    day: date
    active_seconds: int
    sessions: int
    """1 on the day it began, else 0 (details 3.8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSession:
    """A session that is over: `duration + afk + suspended` are the seconds from its start to its end."""

    id: SessionId
    user_id: UserId
    game_id: GameId
    library_item_id: UUID
    owner_id: UserId
    device_id: str
    platform: str | None
    game_version: str | None
    start_time: datetime
    end_time: datetime
    last_heartbeat_at: datetime
    clock_skew_seconds: int | None
    reason: EndReason
    over_since: datetime
    days: tuple[DayShare, ...]
    afk_seconds: int
    suspended_seconds: int
    told_idle: bool

    @property
    def duration_seconds(self) -> int:
        """Return the time that counts."""
        return sum(share.active_seconds for share in self.days)


@dataclass(slots=True, kw_only=True)
class Session:
    """A game that is being played.

    Up to the last input every second is settled as active, away or suspended. What came since, the tail, is pending: it
    is credited when input returns within AFK_AFTER, and away otherwise; so `played_seconds` never falls.
    """

    id: SessionId
    user_id: UserId
    game_id: GameId
    library_item_id: UUID
    owner_id: UserId
    """Whose copy it is."""
    device_id: str
    platform: str | None
    game_version: str | None
    start_time: datetime
    clock_skew_seconds: int | None
    """By how much the client's clock was ahead at the start, if by more than SKEW_NOTED."""
    last_heartbeat_at: datetime
    last_input_at: datetime
    active_first_day: int = 0
    active_second_day: int = 0
    afk_seconds: int = 0
    suspended_seconds: int = 0
    """All of it, that of the tail too: a device that slept is no matter of opinion."""
    told_idle: bool = False
    """Whether the client ever said that nobody was there (details 1.26)."""

    @classmethod
    def start(
        cls,
        *,
        session_id: SessionId,
        user_id: UserId,
        game_id: GameId,
        library_item_id: UUID,
        owner_id: UserId,
        device_id: str,
        platform: str | None,
        game_version: str | None,
        client_time: datetime | None,
        now: datetime,
    ) -> "Session":
        """Begin to play at the second of `now`. The client's time is noted if it is far off, never trusted."""
        skew = None if client_time is None else client_time - now
        moment = whole_second(now)
        return cls(
            id=session_id,
            user_id=user_id,
            game_id=game_id,
            library_item_id=library_item_id,
            owner_id=owner_id,
            device_id=device_id,
            platform=platform,
            game_version=game_version,
            start_time=moment,
            clock_skew_seconds=None if skew is None or abs(skew) <= SKEW_NOTED else skew // _SECOND,
            last_heartbeat_at=moment,
            last_input_at=moment,
        )

    def started(self, *, now: datetime, game_name: str | None) -> SessionStarted:
        """Return the fact that it began."""
        return SessionStarted(
            user_id=self.user_id,
            game_id=self.game_id,
            occurred_at=now,
            game_name=game_name,
            session_id=self.id,
            start_time=self.start_time,
            device_id=self.device_id,
            platform=self.platform,
            game_version=self.game_version,
            owner_id=self.owner_id,
        )

    @property
    def played_seconds(self) -> int:
        """Return what is counted so far."""
        return self.active_first_day + self.active_second_day

    @property
    def status(self) -> SessionStatus:
        """Return what the last contact left: AFK if nobody was there for longer than AFK_AFTER."""
        return SessionStatus.AFK if self._idle_in_tail > AFK_AFTER // _SECOND else SessionStatus.ACTIVE

    def over(self, now: datetime) -> Ending | None:
        """Return how the session ended if by its own rules it is over at `now`; None while it lives (data 6).

        Of several rules the one that was broken first decides, so that it does not matter who notices, and when.
        """
        limits = (
            (self.last_heartbeat_at + SILENCE_MAX + _SECOND, self.last_heartbeat_at, EndReason.TIMEOUT),
            (self.last_input_at + AFK_MAX, self.last_input_at, EndReason.AFK),
            (self.start_time + LENGTH_MAX, self.start_time + LENGTH_MAX, EndReason.MAX_DURATION),
        )
        since, at, reason = min(limits, key=lambda limit: limit[0])
        return Ending(at=at, reason=reason, since=since) if whole_second(now) >= since else None

    def contact(self, now: datetime, *, idle_seconds: int = 0, suspended_seconds: int = 0) -> None:
        """Take a sign of life of a session that is not over.

        `idle_seconds` is the time since the last input, `suspended_seconds` how long the device slept since the last
        contact; more than the time since the last contact is taken as that time. A moment before the last contact, from
        another pod's clock, is taken as that contact.

        Raises ValueError for a session that is over.
        """
        if self.over(now) is not None:
            msg = "the session is over"
            raise ValueError(msg)
        self._advance(now, idle_seconds=idle_seconds, suspended_seconds=suspended_seconds)
        self.told_idle = self.told_idle or idle_seconds > 0

    def end(self, now: datetime, reason: EndReason) -> EndedSession:
        """End the session now, or as its own rules ended it if it is over; the silence before counts (data 6)."""
        ending = self.over(now)
        if ending is None:
            moment = max(whole_second(now), self.last_heartbeat_at)
            ending = Ending(at=moment, reason=reason, since=moment)
        return self._finish(ending)

    def _finish(self, ending: Ending) -> EndedSession:
        last = replace(self)
        match ending.reason:
            case EndReason.TIMEOUT:
                # Nobody came back to claim the tail.
                last._settle(last.last_heartbeat_at, credited=False)  # noqa: SLF001 - its own copy
            case EndReason.AFK:
                # The tail is not part of the session at all.
                last.suspended_seconds -= last._slept_in_tail  # noqa: SLF001
            case _:
                last._advance(ending.at, idle_seconds=0, suspended_seconds=0)  # noqa: SLF001
        return EndedSession(
            id=last.id,
            user_id=last.user_id,
            game_id=last.game_id,
            library_item_id=last.library_item_id,
            owner_id=last.owner_id,
            device_id=last.device_id,
            platform=last.platform,
            game_version=last.game_version,
            start_time=last.start_time,
            end_time=ending.at,
            last_heartbeat_at=self.last_heartbeat_at,
            clock_skew_seconds=last.clock_skew_seconds,
            reason=ending.reason,
            over_since=ending.since,
            days=last._days(),  # noqa: SLF001
            afk_seconds=last.afk_seconds,
            suspended_seconds=last.suspended_seconds,
            told_idle=last.told_idle,
        )

    def _advance(self, now: datetime, *, idle_seconds: int, suspended_seconds: int) -> None:
        moment = max(whole_second(now), self.last_heartbeat_at)
        gap = (moment - self.last_heartbeat_at) // _SECOND
        idle, suspended = min(idle_seconds, gap), min(suspended_seconds, gap)
        # Somebody woke the device before there was an input: as much of the sleep as can lies before it.
        slept_before = min(suspended, gap - idle)
        if idle < gap or idle_seconds == 0:
            self.suspended_seconds += slept_before
            self._settle(moment - idle * _SECOND, credited=True)
            self.suspended_seconds += suspended - slept_before
        else:
            self.suspended_seconds += suspended
        self.last_heartbeat_at = moment

    def _settle(self, until: datetime, *, credited: bool) -> None:
        """Decide on the tail, which ends at `until`: credited if input returned in time, else away."""
        span = (until - self.last_input_at) // _SECOND
        awake = span - self._slept_in_tail
        if credited and awake <= AFK_AFTER // _SECOND:
            before_midnight = max(0, (self._midnight - self.last_input_at) // _SECOND)
            first = min(awake, before_midnight)
            self.active_first_day += first
            self.active_second_day += awake - first
        else:
            self.afk_seconds += awake
        self.last_input_at = until

    @property
    def _slept_in_tail(self) -> int:
        """Seconds that the device slept since the last input: `suspended_seconds` without those of the settled time."""
        settled = (self.last_input_at - self.start_time) // _SECOND
        return self.suspended_seconds - (settled - self.played_seconds - self.afk_seconds)

    @property
    def _idle_in_tail(self) -> int:
        """Seconds that nobody was there since the last input, the device being awake."""
        return (self.last_heartbeat_at - self.last_input_at) // _SECOND - self._slept_in_tail

    @property
    def _midnight(self) -> datetime:
        """The end of the day on which it began."""
        return datetime.combine(self.start_time.date() + timedelta(days=1), datetime.min.time(), UTC)

    def _days(self) -> tuple[DayShare, ...]:
        first = DayShare(day=self.start_time.date(), active_seconds=self.active_first_day, sessions=1)
        if not self.active_second_day:
            return (first,)
        return first, DayShare(day=self._midnight.date(), active_seconds=self.active_second_day, sessions=0)


def not_before(now: datetime, last_end: datetime | None) -> datetime:
    """Return when the next session of a game begins: now, or where the last one ended if a clock ahead of ours ended it.

    So no second of a game counts twice, whichever of our processes answers. An end more than CLOCKS_APART ahead is ignored.
    """
    if last_end is None or last_end - now > CLOCKS_APART:
        return now
    return max(now, last_end)


def whole_second(moment: datetime) -> datetime:
    """Return the moment cut down to its second."""
    return moment.replace(microsecond=0)


def started_at(session_id: UUID) -> datetime | None:
    """Return the start of the session of this id, read from the UUIDv7 (data 8); None if it is no session's id."""
    if session_id.version != _UUID7:
        return None
    try:
        return datetime.fromtimestamp((session_id.int >> 80) / 1_000, UTC)
    except (OverflowError, ValueError):
        return None
