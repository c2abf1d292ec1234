"""Facts that entities record. A transaction writes each as an audit row, and those with a topic to the outbox too (data 10)."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from library_domain.shared.ids import GameId, UserId

LIBRARY_EVENTS = "library-events"
"""Topic of the library slice (contract 6)."""
PLAYTIME_EVENTS = "playtime-events"
"""Topic of the playtime slice (contract 6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """Something that happened to one user's data.

    The fields of a subclass, in their order, are the published `data` (details 3.7), `occurred_at` excepted: it is
    the envelope's `timestamp`.
    """

    action: ClassVar[str]
    """What the audit log calls it (spec, table library_audit_log)."""
    event_type: ClassVar[str | None] = None
    topic: ClassVar[str | None] = None
    """None: audited, not published."""
    is_change: ClassVar[bool] = True
    """Whether it raises the user's revision; a look at the data does not, and takes no mutex."""
    has_own_record: ClassVar[bool] = False
    """Whether another row already tells who did what (data 8); it is then audited only if somebody did it for the user."""

    user_id: UserId
    game_id: GameId | None
    occurred_at: datetime
