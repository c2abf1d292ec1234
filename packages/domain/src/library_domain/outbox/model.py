"""An event that waits to be published."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """One row of the outbox. Within a user (revision, n) is the order in which things happened."""

    user_id: UserId
    revision: int
    n: int
    id: UUID
    topic: str
    event_type: str
    payload: bytes
    headers: tuple[tuple[str, str], ...]
    written_at: datetime


class Delivery(Enum):
    """What the broker said of one message."""

    ACKNOWLEDGED = auto()
    REFUSED = auto()
    """Never: too large, no such topic by policy. Trying again would not help."""
    FAILED = auto()
    """Not now: no answer, no leader. It may even have been stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedMessage:
    """A message that the broker refused for good; it waits for a person."""

    message: OutboxMessage
    reason: str
    parked_at: datetime
