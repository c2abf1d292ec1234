"""What the fakes of one test share: the committed state of an imaginary database."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from library_domain.catalog.model import Game
from library_domain.library.model import LibraryEntry
from library_domain.outbox.model import OutboxMessage
from library_domain.shared.ids import GameId, UserId


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
class Store:
    users: dict[UserId, User] = field(default_factory=dict)
    entries: dict[tuple[UserId, GameId], LibraryEntry] = field(default_factory=dict)
    games: dict[GameId, Game] = field(default_factory=dict)
    jobs: set[tuple[str, str]] = field(default_factory=set)
    audit: list[dict[str, Any]] = field(default_factory=list)
    outbox: list[OutboxMessage] = field(default_factory=list)
    inbox: set[tuple[UserId, str, UUID]] = field(default_factory=set)
    answers: dict[tuple[UserId, str, str], StoredAnswer] = field(default_factory=dict)
