"""What the fakes of one test share: the committed state of an imaginary database."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from library_domain.accounts.model import ErasureJob
from library_domain.catalog.model import Game, GameAchievement, GamePrice
from library_domain.library.model import Category, GameInstallations, LibraryEntry, Refund, Subscription
from library_domain.outbox.model import OutboxMessage
from library_domain.playtime.model import Session, SessionRecord
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.ports import JobPayload


@dataclass
class User:
    revision: int = 0
    changed_at: datetime | None = None
    erased_at: datetime | None = None


@dataclass
class StoredAnswer:
    request_sha256: bytes
    created_at: datetime
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...]


@dataclass
class Activity:
    """What playing leaves in the row of an entry."""

    last_played_at: datetime | None = None
    total_playtime: int = 0


@dataclass
class Lease:
    session_id: UUID
    player_id: UserId
    since: datetime


@dataclass
class KeptSession:
    """A record, and when it was written."""

    record: SessionRecord
    created_at: datetime


@dataclass
class Played:
    """What was played of a game on a day or in a month."""

    first_played_at: datetime
    last_played_at: datetime
    total_playtime: int = 0
    sessions_count: int = 0
    longest_session_seconds: int = 0


@dataclass
class Epoch:
    """The catalog's epoch as it is announced: it counts from `moves_at` on."""

    number: int = 1
    moves_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class StoredJob:
    payload: JobPayload | None
    due_at: datetime
    created_at: datetime
    updated_at: datetime
    state: str = "waiting"
    cursor: str | None = None
    lease: UUID | None = None
    asked_at: datetime | None = None
    attempts: int = 0
    failures: int = 0


@dataclass
class Store:
    users: dict[UserId, User] = field(default_factory=dict)
    entries: dict[tuple[UserId, GameId], LibraryEntry] = field(default_factory=dict)
    updated_at: dict[tuple[UserId, GameId], datetime] = field(default_factory=dict)
    activities: dict[tuple[UserId, GameId], Activity] = field(default_factory=dict)
    refunds: dict[tuple[UserId, str], dict[GameId | None, Refund]] = field(default_factory=dict)
    subscriptions: dict[tuple[UserId, str], Subscription] = field(default_factory=dict)
    categories: dict[UserId, dict[UUID, Category]] = field(default_factory=dict)
    installations: dict[tuple[UserId, GameId], GameInstallations] = field(default_factory=dict)
    sessions: dict[tuple[UserId, UUID], Session] = field(default_factory=dict)
    leases: dict[tuple[UserId, GameId], Lease] = field(default_factory=dict)
    ended: dict[tuple[UserId, UUID], KeptSession] = field(default_factory=dict)
    days: dict[tuple[UserId, date, GameId], Played] = field(default_factory=dict)
    months: dict[tuple[UserId, GameId, int, int], Played] = field(default_factory=dict)
    erasures: dict[UserId, ErasureJob] = field(default_factory=dict)
    games: dict[GameId, Game] = field(default_factory=dict)
    achievements: dict[tuple[GameId, str], GameAchievement] = field(default_factory=dict)
    prices: dict[tuple[GameId, str], GamePrice] = field(default_factory=dict)
    price_history: dict[tuple[GameId, str, datetime, UUID], GamePrice] = field(default_factory=dict)
    epoch: Epoch = field(default_factory=Epoch)
    jobs: dict[tuple[str, str], StoredJob] = field(default_factory=dict)
    audit: list[dict[str, Any]] = field(default_factory=list)
    outbox: list[OutboxMessage] = field(default_factory=list)
    inbox: set[tuple[UserId, str, UUID]] = field(default_factory=set)
    answers: dict[tuple[UserId, str, str], StoredAnswer] = field(default_factory=dict)
