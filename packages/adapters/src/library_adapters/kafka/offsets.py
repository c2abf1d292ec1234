"""Commits of finished messages: late, together, and never more than was finished."""

import asyncio
from collections.abc import Callable, Collection

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from loguru import logger

_PAUSE_SECONDS = 1.0
"""After a commit that failed."""


class Offsets:
    """Remembers which messages of a consumer are finished and commits that every so often.

    A commit per message would cost a round trip to the group's coordinator each time. Here a crash repeats what was
    finished within the interval, which the inbox makes harmless (contract 6).
    """

    def __init__(
        self,
        consumer: Callable[[], AIOKafkaConsumer | None],
        *,
        interval_seconds: float,
        timeout_seconds: float,
    ) -> None:
        """`consumer` gives the one that is running, None when there is none."""
        self._consumer = consumer
        self._interval = interval_seconds
        self._timeout = timeout_seconds
        self._finished: dict[TopicPartition, int] = {}
        self._any = asyncio.Event()
        self._committing = asyncio.Lock()

    def finish(self, source: TopicPartition, offset: int) -> None:
        """Say that every message of the partition up to this one is finished."""
        self._finished[source] = offset + 1
        self._any.set()

    def forget(self, sources: Collection[TopicPartition]) -> None:
        """Drop what was not committed of partitions that are another's now."""
        for source in sources:
            self._finished.pop(source, None)

    async def run(self) -> None:
        """Commit until cancelled."""
        while True:
            await self._any.wait()
            await asyncio.sleep(self._interval)
            if not await self.commit():
                await asyncio.sleep(_PAUSE_SECONDS)

    async def commit(self) -> bool:
        """Commit now what is finished. What fails for want of Kafka stays, to be tried again; then return False."""
        async with self._committing:
            self._any.clear()
            consumer = self._consumer()
            if consumer is None:
                return True
            assigned = consumer.assignment()
            offsets = {source: offset for source, offset in self._finished.items() if source in assigned}
            if not offsets:
                return True
            try:
                async with asyncio.timeout(self._timeout):
                    await consumer.commit(offsets)
            except (CommitFailedError, IllegalStateError) as error:
                # The group has moved on without us: whoever has the partitions now repeats these messages.
                logger.bind(error=type(error).__name__).warning("finished messages will come again")
                self._drop(offsets)
            except (KafkaError, TimeoutError) as error:
                logger.bind(error=type(error).__name__).warning("offsets could not be committed yet")
                self._any.set()
                return False
            else:
                self._drop(offsets)
            return True

    def _drop(self, offsets: dict[TopicPartition, int]) -> None:
        for source, offset in offsets.items():
            if self._finished.get(source) == offset:
                del self._finished[source]
