"""What publishing needs: shards of the outbox held by one relay, and a broker."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from library_domain.outbox.model import Delivery, OutboxMessage, ParkedMessage


class OutboxShards(Protocol):
    """The shards that this relay holds. Others' shards are invisible to it, so a key has one publisher."""

    async def claim(self) -> int:
        """Try to take every shard that nobody holds; return how many are held now.

        Raises DependencyUnavailable when the database is away; then nothing is held any more.
        """
        ...

    async def pending(self, *, limit: int) -> Sequence[OutboxMessage]:
        """Return the oldest messages of the held shards; of one user always in order and without a gap."""
        ...

    async def remove(self, messages: Sequence[OutboxMessage]) -> None:
        """Delete messages that were acknowledged."""
        ...

    async def park(self, message: OutboxMessage, *, reason: str) -> None:
        """Move a message that was refused for good out of the way, to be looked at by a person."""
        ...


class ParkedMessages(Protocol):
    """The messages that wait for a person. Every method raises DependencyUnavailable when the database is away."""

    async def oldest(self, *, limit: int) -> Sequence[ParkedMessage]:
        """Return up to `limit` of them, in the order in which they were parked."""
        ...

    async def put_back(self, message: OutboxMessage) -> bool:
        """Let the relay try it again, as the first of its user; False if it is not parked any more."""
        ...


class EventPublisher(Protocol):
    """The broker."""

    async def publish(self, messages: Sequence[OutboxMessage]) -> Sequence[Delivery]:
        """Send messages of different users side by side; return what the broker said of each, in their order.

        Returns only when every message has an answer or its time is up.
        """
        ...


class ExpiringRecords(Protocol):
    """Records of one kind that are kept for a time."""

    async def purge(self, *, before: datetime, limit: int) -> int:
        """Delete up to `limit` records that are older; return how many were found.

        Raises DependencyUnavailable when the database does not answer in time.
        """
        ...
