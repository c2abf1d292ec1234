"""What becomes of each message: the one place that decides about commits, retries and dead letters (data 20).

- It worked: its offset is committed, with others, a moment later.
- It can never work: it is buried in the dead-letter topic, that is acknowledged, and then its offset is committed.
- Not now: the partition goes back to it and is paused; the others go on; after a pause that grows it is tried again,
  for as long as it takes. So the order within a key holds, and one failing dependency makes no hot loop.
- Nobody knows: as before, but only a few times; then it is buried, or one bug would stop a partition for good.

How aiokafka makes this right (consumer/fetcher.py, 0.14): `seek` drops what was prefetched of the partition, and a
fetch that is under way is dropped when it returns, because its offset is no longer the position. A paused partition is
left out of fetches until `resume`. A rebalance gives every partition a new state, neither paused nor sought: it starts
at what was committed, which is the message that failed, and its number of attempts starts again too.
"""

import asyncio
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from time import perf_counter

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from loguru import logger
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from library_adapters.kafka.dead_letters import DeadLetters, Failure
from library_adapters.kafka.metrics import ConsumerMetrics
from library_adapters.kafka.offsets import Offsets
from library_adapters.kafka.records import Handle, Judge, Outcome, Poison, Record, Verdict
from library_adapters.kafka.settings import ConsumerSettings
from library_domain.shared.errors import DomainError


@dataclass(slots=True, eq=False)
class _Partition:
    """One partition while it is ours."""

    idle: asyncio.Event = field(default_factory=asyncio.Event)
    failing_offset: int | None = None
    attempts: int = 0
    """At the message of `failing_offset`."""
    resumption: asyncio.TimerHandle | None = None

    def attempt(self, offset: int) -> int:
        """Count an attempt at this message; return which one it is, from 1."""
        if offset != self.failing_offset:
            self.failing_offset, self.attempts = offset, 0
        self.attempts += 1
        return self.attempts


class Acknowledgement(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka publishes no types
    """The policy for one consumer, which hands its messages over one at a time."""

    def __init__(
        self,
        *,
        handle: Handle,
        judge: Judge,
        dead_letters: DeadLetters,
        offsets: Offsets,
        consumer: Callable[[], AIOKafkaConsumer | None],
        settings: ConsumerSettings,
        group_id: str,
        max_message_bytes: int,
        metrics: ConsumerMetrics,
    ) -> None:
        """`consumer` gives the one that is running, None when there is none."""
        self._handle = handle
        self._judge = judge
        self._dead_letters = dead_letters
        self._offsets = offsets
        self._consumer = consumer
        self._settings = settings
        self._group_id = group_id
        self._max_message_bytes = max_message_bytes
        self._metrics = metrics
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._draining = False

    async def take(self, record: Record) -> None:
        """Do with the message what the policy says. Raises nothing but cancellation, which leaves it uncommitted."""
        if self._draining:
            return
        partition = self._partitions.setdefault(record.source, _Partition())
        partition.idle.clear()
        try:
            with logger.contextualize(topic=record.topic, partition=record.partition, offset=record.offset):
                outcome = await self._attempt(record, partition)
            self._metrics.messages.labels(record.topic, outcome).inc()
        finally:
            partition.idle.set()

    async def _attempt(self, record: Record, partition: _Partition) -> str:
        """Try the message; return the outcome for the metric."""
        attempt = partition.attempt(record.offset)
        started = perf_counter()
        try:
            try:
                self._refuse_unreadable(record)
                self._refuse_oversized(record)
                outcome: str = await self._handle(record)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is judged
                outcome = await self._failed(record, partition, error, attempt)
            else:
                self._finish(record, partition)
        except Exception as bug:  # noqa: BLE001 - FastStream would swallow it, and the next commit skip the message
            logger.exception("the acknowledgement of a message failed")
            self._retry_later(record, partition, bug, attempt)
            outcome = "retried"
        self._metrics.seconds.labels(record.topic).observe(perf_counter() - started)
        return outcome

    def refetch(self, source: TopicPartition, offset: int, error: Exception) -> None:
        """Fetch again from here, after a pause: what was fetched could not be unpacked (see `unreadable`)."""
        if self._draining:
            return
        partition = self._partitions.setdefault(source, _Partition())
        partition.idle.set()
        attempt = partition.attempt(offset)
        with logger.contextualize(topic=source.topic, partition=source.partition, offset=offset):
            logger.error("a batch cannot be unpacked and is fetched again, attempt {}: {}", attempt, error)
            self._postpone(source, offset, partition, error, attempt)
        self._metrics.messages.labels(source.topic, "retried").inc()

    @staticmethod
    def _refuse_unreadable(record: Record) -> None:
        if record.unreadable is not None:
            raise Poison("unreadable", record.unreadable)

    def _refuse_oversized(self, record: Record) -> None:
        size = len(record.value or b"")
        if size > self._max_message_bytes:
            raise Poison("oversized", f"{size} bytes, at most {self._max_message_bytes} are taken")

    async def _failed(self, record: Record, partition: _Partition, error: Exception, attempt: int) -> str:
        _mark_span(error)
        verdict = Verdict.DEAD_LETTER if isinstance(error, Poison) else self._judge(error)
        if verdict is Verdict.RETRY_SOME:
            logger.opt(exception=error).error("a message met a bug, attempt {}", attempt)
            verdict = Verdict.DEAD_LETTER if attempt >= self._settings.bug_attempts else Verdict.RETRY

        if verdict is Verdict.SKIP:
            logger.bind(reason=_reason(error)).info("a message is skipped")
            self._finish(record, partition)
            return Outcome.SKIPPED
        if verdict is Verdict.DEAD_LETTER and await self._bury(record, partition, error, attempt):
            return "dead_lettered"
        self._retry_later(record, partition, error, attempt)
        return "retried"

    async def _bury(self, record: Record, partition: _Partition, error: Exception, attempt: int) -> bool:
        """Write the dead letter and commit; return False when it could not be written and nothing may be committed."""
        if not self._is_ours(record, partition):
            return False  # who has the partition now buries it
        failure = Failure(reason=_reason(error), error=error, attempts=attempt, group_id=self._group_id)
        try:
            await self._dead_letters.bury(record, failure)
        except Exception as problem:  # noqa: BLE001 - a message that can neither work nor be buried is kept
            logger.bind(error=type(problem).__name__).error("a dead letter could not be written")
            return False
        logger.bind(reason=failure.reason).warning("a message became a dead letter: {}", error)
        self._metrics.dead_letters.labels(record.topic, failure.reason).inc()
        self._finish(record, partition)
        # At once: after a crash in between it would be buried twice.
        await self._offsets.commit()
        return True

    def _finish(self, record: Record, partition: _Partition) -> None:
        if self._is_ours(record, partition):
            partition.failing_offset = None
            self._offsets.finish(record.source, record.offset)

    def _retry_later(self, record: Record, partition: _Partition, error: Exception, attempt: int) -> None:
        if self._is_ours(record, partition):  # else who has the partition now gets it: it was not committed
            self._postpone(record.source, record.offset, partition, error, attempt)

    def _postpone(
        self, source: TopicPartition, offset: int, partition: _Partition, error: Exception, attempt: int
    ) -> None:
        consumer = self._consumer()
        if consumer is None:
            return
        consumer.seek(source, offset)
        consumer.pause(source)
        pause = self._pause_seconds(attempt)
        partition.resumption = asyncio.get_running_loop().call_later(pause, self._resume, source, partition)
        self._metrics.paused.inc()
        cause = type(error.__cause__).__name__ if error.__cause__ else None
        logger.bind(error=type(error).__name__, cause=cause, attempt=attempt).warning(
            "a message is tried again in {:.1f} s", pause
        )

    def _pause_seconds(self, attempt: int) -> float:
        """Return half to all of a pause that doubles with each attempt, so that not all partitions knock together."""
        # 2**30 is beyond any maximum; without the limit a long outage would overflow a float.
        longest = min(
            self._settings.retry_max_seconds, self._settings.retry_min_seconds * 2.0 ** min(attempt - 1, 30)
        )
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret

    def _resume(self, source: TopicPartition, partition: _Partition) -> None:
        self._unpause(partition)
        consumer = self._consumer()
        if consumer is not None and self._partitions.get(source) is partition and not self._draining:
            consumer.resume(source)

    def _unpause(self, partition: _Partition) -> None:
        if partition.resumption is not None:
            partition.resumption.cancel()
            partition.resumption = None
            self._metrics.paused.dec()

    def _is_ours(self, record: Record, partition: _Partition) -> bool:
        """Tell whether the partition was not taken away since the message came."""
        return self._partitions.get(record.source) is partition

    # What the group says, and the end

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Keep new partitions still while draining."""
        consumer = self._consumer()
        if self._draining and consumer is not None:
            consumer.pause(*assigned)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let the message in hand end, commit, and forget the partitions. The rebalance waits for this, bounded."""
        try:
            await self._settle(revoked, self._settings.revoke_timeout_seconds)
        finally:
            self._forget(revoked)

    async def drain(self) -> None:
        """Take no further message, let the one in hand end, commit what is finished."""
        self._draining = True
        consumer = self._consumer()
        if consumer is not None:
            consumer.pause(*consumer.assignment())
        await self._settle(tuple(self._partitions), self._settings.drain_timeout_seconds)
        self._forget(tuple(self._partitions))

    def restart(self) -> None:
        """Take messages again, of a consumer that was started anew."""
        self._forget(tuple(self._partitions))
        self._draining = False

    async def _settle(self, sources: Collection[TopicPartition], seconds: float) -> None:
        busy = [
            partition.idle.wait()
            for source in sources
            if (partition := self._partitions.get(source)) is not None
        ]
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*busy)
        except TimeoutError:
            logger.warning("a message took longer than {} s and will come again", seconds)
        await self._offsets.commit()

    def _forget(self, sources: Collection[TopicPartition]) -> None:
        for source in sources:
            partition = self._partitions.pop(source, None)
            if partition is not None:
                self._unpause(partition)
            self._metrics.forget(source.topic, source.partition)
        self._offsets.forget(sources)


def _reason(error: Exception) -> str:
    if isinstance(error, Poison):
        return error.reason
    return error.slug.lower() if isinstance(error, DomainError) else "unexpected_error"


def _mark_span(error: Exception) -> None:
    span = trace.get_current_span()
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(StatusCode.ERROR)
