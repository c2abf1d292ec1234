"""Identifiers and where new ones come from (contract 1)."""

from datetime import datetime
from typing import NewType, Protocol
from uuid import UUID

UserId = NewType("UserId", UUID)
GameId = NewType("GameId", UUID)

NO_USER = UserId(UUID(int=0))
"""Stands for "no user" where a key needs one: inbox rows of catalog events (details 2.7)."""

OUTBOX_SHARDS = 16
"""How many shards the outbox has (data 18); a relay takes whole shards."""


def outbox_shard(user_id: UserId) -> int:
    """Return the outbox shard, 0 to 15, that carries every event of this user (data 18)."""
    return user_id.int % OUTBOX_SHARDS


class IdSource(Protocol):
    """Mints identifiers; a fake makes them predictable."""

    def new(self) -> UUID:
        """Return a new UUIDv7, so that an index on it grows at one end (contract 1)."""
        ...

    def new_at(self, moment: datetime) -> UUID:
        """Return a new UUIDv7 whose millisecond is that of `moment` (data 8)."""
        ...
