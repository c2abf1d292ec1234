"""Publish what waits in the outbox, in order per user, at least once (contract 6, data 18)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from library_domain.outbox.model import Delivery, OutboxMessage
from library_domain.outbox.ports import EventPublisher, OutboxShards
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayEvents:
    """Publish at most `limit` messages."""

    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayEventsResult:
    """How it went. `failed` messages stay and are tried again."""

    published: int = 0
    parked: int = 0
    failed: int = 0

    @property
    def more(self) -> bool:
        """Tell whether another pass right away may find messages."""
        return self.published + self.parked > 0 and not self.failed


class RelayEventsHandler:
    """One pass over the oldest messages.

    A user's next message is sent only after the previous one was acknowledged: were both on their way and the first
    failed, its repetition would come after the second.
    """

    def __init__(self, *, shards: OutboxShards, publisher: EventPublisher) -> None:
        self._shards = shards
        self._publisher = publisher

    async def __call__(self, command: RelayEvents) -> RelayEventsResult:
        messages = await self._shards.pending(limit=command.limit)
        published = parked = failed = 0
        halted: set[UserId] = set()
        for wave in _waves(messages):
            sendable = [message for message in wave if message.user_id not in halted]
            if not sendable:
                break
            deliveries = await self._publisher.publish(sendable)
            acknowledged = []
            for message, delivery in zip(sendable, deliveries, strict=True):
                if delivery is Delivery.ACKNOWLEDGED:
                    acknowledged.append(message)
                elif delivery is Delivery.REFUSED:
                    await self._shards.park(message, reason="refused by the broker")
                    parked += 1
                else:
                    halted.add(message.user_id)
                    failed += 1
            await self._shards.remove(acknowledged)
            published += len(acknowledged)
        return RelayEventsResult(published=published, parked=parked, failed=failed)


def _waves(messages: Sequence[OutboxMessage]) -> Sequence[Sequence[OutboxMessage]]:
    """Split messages so that each wave has at most one message per user and waves keep every user's order."""
    waves: list[list[OutboxMessage]] = []
    sent: defaultdict[UserId, int] = defaultdict(int)
    for message in messages:
        turn = sent[message.user_id]
        if turn == len(waves):
            waves.append([])
        waves[turn].append(message)
        sent[message.user_id] += 1
    return waves
