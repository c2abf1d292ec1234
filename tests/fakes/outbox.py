"""The relay's two sides in memory: the shards of a store's outbox, and a broker that answers as it is told."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from enum import Enum

from fakes.store import Store
from library_domain.outbox.model import Delivery, OutboxMessage, ParkedMessage
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import OUTBOX_SHARDS, outbox_shard


class FakeOutbox:
    """The outbox of a store and the locks on its shards; relays made by `relay()` compete for them."""

    def __init__(self, store: Store, *, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.parked: list[ParkedMessage] = []
        self.holders: dict[int, FakeOutboxShards] = {}
        self.called = asyncio.Event()

    def relay(self) -> "FakeOutboxShards":
        return FakeOutboxShards(self)

    async def oldest(self, *, limit: int) -> Sequence[ParkedMessage]:
        return sorted(self.parked, key=lambda each: each.parked_at)[:limit]

    async def put_back(self, message: OutboxMessage) -> bool:
        is_parked = any(each.message == message for each in self.parked)
        self.parked = [each for each in self.parked if each.message != message]
        self.store.outbox += [message] if is_parked else []
        return is_parked

    def call(self) -> None:
        """Wake a relay that waits."""
        self.called.set()


class FakeOutboxShards:
    """One relay's shards. `cut()` breaks its connection: the shards are free and its next call fails."""

    def __init__(self, outbox: FakeOutbox) -> None:
        self._outbox = outbox
        self._is_connected = False
        self._is_broken = False

    def cut(self) -> None:
        for shard in self._held():
            del self._outbox.holders[shard]
        self._is_broken = True

    async def claim(self) -> int:
        self._notice_break()
        self._is_connected = True
        for shard in range(OUTBOX_SHARDS):
            self._outbox.holders.setdefault(shard, self)
        return len(self._held())

    async def pending(self, *, limit: int) -> Sequence[OutboxMessage]:
        self._notice_break()
        held = self._held()
        if not held:
            return []
        each = -(-limit // len(held))
        return _in_order(message for shard in held for message in _in_order(self._of(shard))[:each])

    async def remove(self, messages: Sequence[OutboxMessage]) -> None:
        if messages:
            self._need_connection()
            self._delete(messages)

    async def park(self, message: OutboxMessage, *, reason: str) -> None:
        self._need_connection()
        if self._delete([message]):
            now = self._outbox.clock.now()
            self._outbox.parked.append(ParkedMessage(message=message, reason=reason, parked_at=now))

    async def oldest(self) -> datetime | None:
        self._need_connection()
        return min(
            (message.written_at for shard in self._held() for message in self._of(shard)), default=None
        )

    async def parked(self) -> int:
        self._need_connection()
        return len(self._outbox.parked)

    async def wait_for_wakeup(self, timeout_seconds: float) -> None:
        self._notice_break()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._outbox.called.wait()
        self._outbox.called.clear()

    def _held(self) -> list[int]:
        return [shard for shard, holder in self._outbox.holders.items() if holder is self]

    def _of(self, shard: int) -> Iterable[OutboxMessage]:
        return (m for m in self._outbox.store.outbox if outbox_shard(m.user_id) == shard)

    def _delete(self, messages: Sequence[OutboxMessage]) -> int:
        gone = {(message.user_id, message.revision, message.n) for message in messages}
        store = self._outbox.store
        kept = [m for m in store.outbox if (m.user_id, m.revision, m.n) not in gone]
        deleted = len(store.outbox) - len(kept)
        store.outbox = kept
        return deleted

    def _need_connection(self) -> None:
        self._notice_break()
        if not self._is_connected:
            raise DependencyUnavailable("postgres")

    def _notice_break(self) -> None:
        if self._is_broken:
            self._is_broken = self._is_connected = False
            raise DependencyUnavailable("postgres")


def _in_order(messages: Iterable[OutboxMessage]) -> list[OutboxMessage]:
    return sorted(messages, key=lambda m: (m.written_at, m.user_id, m.revision, m.n))


class Fate(Enum):
    """What becomes of one message on its way to the broker."""

    STORED = Delivery.ACKNOWLEDGED
    REFUSED = Delivery.REFUSED
    LOST = Delivery.FAILED
    ANSWER_LOST = (Delivery.FAILED, "though stored")

    @property
    def delivery(self) -> Delivery:
        return Delivery.FAILED if self is Fate.ANSWER_LOST else self.value


class FakePublisher:
    """Keeps what reached the broker; `fate` decides about each message, and by default all is well."""

    def __init__(self, fate: Callable[[OutboxMessage], Fate] = lambda _: Fate.STORED) -> None:
        self.fate = fate
        self.stored: list[OutboxMessage] = []
        self.acknowledged: list[OutboxMessage] = []
        self.batches: list[list[OutboxMessage]] = []

    async def publish(self, messages: Sequence[OutboxMessage]) -> Sequence[Delivery]:
        self.batches.append(list(messages))
        fates = [self.fate(message) for message in messages]
        for message, fate in zip(messages, fates, strict=True):
            if fate in (Fate.STORED, Fate.ANSWER_LOST):
                self.stored.append(message)
            if fate is Fate.STORED:
                self.acknowledged.append(message)
        return [fate.delivery for fate in fates]
