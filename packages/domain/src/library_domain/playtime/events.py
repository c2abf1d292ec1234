"""Facts of the playtime slice; field names are the published ones (details 3.7, spec example 2).

A session's record is its own audit (data 8), so that what a player does with sessions of their own is not audited twice.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from library_domain.shared.events import PLAYTIME_EVENTS, DomainEvent
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(DomainEvent):
    """A player began to play (details 3.7). `owner_id` is whose copy it is."""

    action: ClassVar[str] = "start_session"
    event_type: ClassVar[str | None] = "library.session.started"
    topic: ClassVar[str | None] = PLAYTIME_EVENTS
    has_own_record: ClassVar[bool] = True

    game_name: str | None
    session_id: UUID
    start_time: datetime
    device_id: str
    platform: str | None
    game_version: str | None
    owner_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEndedEvent(DomainEvent):
    """A session is over, with what it counted, in whole seconds (spec example 2, details 3.7)."""

    action: ClassVar[str] = "end_session"
    event_type: ClassVar[str | None] = "library.session.ended"
    topic: ClassVar[str | None] = PLAYTIME_EVENTS
    has_own_record: ClassVar[bool] = True

    game_name: str | None
    session_id: UUID
    start_time: datetime
    end_time: datetime
    reason: str
    duration_seconds: int
    afk_seconds: int
    suspended_seconds: int
    total_playtime_seconds: int
    device_id: str
    platform: str | None
    game_version: str | None
    owner_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaytimeUpdated(DomainEvent):
    """The playtime of a game rose by an ended session (spec 11.3); once per session, not per heartbeat."""

    action: ClassVar[str] = "update_playtime"
    event_type: ClassVar[str | None] = "library.playtime.updated"
    topic: ClassVar[str | None] = PLAYTIME_EVENTS
    has_own_record: ClassVar[bool] = True

    game_name: str | None
    session_id: UUID
    total_playtime_seconds: int
    last_played_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaytimeAnomalyNoticed(DomainEvent):
    """Somebody may be forging playtime (details 1.26): noted, nothing is withheld; audited, not published."""

    action: ClassVar[str] = "playtime_anomaly"

    kind: str
    session_id: UUID
    day: date | None
    seconds: int | None
    games: int | None
