"""Members of consumer groups over FastStream: started, watched, started again, drained."""

import asyncio
import random
from collections.abc import Collection, Coroutine
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker
from loguru import logger
from opentelemetry.trace import TracerProvider
from prometheus_client import CollectorRegistry

from library_adapters.kafka.acknowledgement import Acknowledgement
from library_adapters.kafka.clients import make_broker, milliseconds
from library_adapters.kafka.dead_letters import DeadLetters
from library_adapters.kafka.metrics import ConsumerMetrics
from library_adapters.kafka.offsets import Offsets
from library_adapters.kafka.producer import KAFKA
from library_adapters.kafka.records import Handle, Judge, Record
from library_adapters.kafka.settings import ConsumerSettings, KafkaSettings
from library_adapters.kafka.unreadable import MendingConsumer, mending
from library_domain.shared.errors import DependencyUnavailable

_WATCH_SECONDS = 1.0
_STOP_SECONDS = 5.0
_RESTART_MIN_SECONDS = 0.25
_RESTART_MAX_SECONDS = 4.0
_CROWDED_FAILURES = 4
"""Counted as so many failures, which makes the longest pause: meanwhile the other members can finish the rebalance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A consumer group and what it consumes. Each has offsets, members and rebalances of its own."""

    group_id: str
    topics: Collection[str]


class Consumers:
    """Every member that this process adds to its groups. Each survives that Kafka is away, at its start and later."""

    def __init__(
        self,
        *,
        kafka: KafkaSettings,
        settings: ConsumerSettings,
        groups: Collection[Group],
        handle: Handle,
        judge: Judge,
        dead_letters: DeadLetters,
        registry: CollectorRegistry,
        tracer_provider: TracerProvider,
    ) -> None:
        """Connect nothing yet. Every group has `settings.workers` members, and no two groups a topic in common.

        `handle` is called for messages of different partitions side by side.
        """
        self._broker = make_broker(kafka, settings, registry=registry, tracer_provider=tracer_provider)
        metrics = ConsumerMetrics(registry)
        self._members = [
            _Member(
                broker=self._broker,
                kafka=kafka,
                settings=settings,
                group=group,
                handle=handle,
                judge=judge,
                dead_letters=dead_letters,
                metrics=metrics,
            )
            for group in groups
            for _ in range(settings.workers)
        ]

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until `stopping` is set; then finish the messages in hand, commit, and leave the groups."""
        await self._broker.connect()
        config = self._broker.config.broker_config
        config.builder = mending(config.builder)
        try:
            async with asyncio.TaskGroup() as group:
                for number, member in enumerate(self._members):
                    group.create_task(member.run(stopping), name=f"consumer-{number}")
        finally:
            await self._broker.stop()

    async def check(self) -> None:
        """Raise DependencyUnavailable unless every member has joined its group."""
        if not all(member.joined for member in self._members):
            raise DependencyUnavailable(KAFKA)


class _NotAdmittedError(Exception):
    """The group gave a member no partitions for longer than `join_timeout_seconds`."""


class _Admission(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka publishes no types
    """Bounds how long a rebalance may last for one member: from the loss of its partitions to its next assignment."""

    def __init__(self, listener: ConsumerRebalanceListener, *, timeout_seconds: float) -> None:
        """Hand every call on to `listener`."""
        self._listener = listener
        self._timeout_seconds = timeout_seconds
        self._waits_until: float | None = None

    def restart(self) -> None:
        """Begin a new membership, which does not wait yet."""
        self._waits_until = None

    def seconds(self) -> float:
        """Return how long to wait, with jitter: members that give up together would meet again when they join anew."""
        return self._timeout_seconds * random.uniform(1.0, 1.5)  # noqa: S311 - jitter, no secret

    def check(self) -> None:
        """Raise _NotAdmittedError when the member has waited for too long."""
        if self._waits_until is not None and asyncio.get_running_loop().time() > self._waits_until:
            raise _NotAdmittedError

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Begin to wait."""
        # First: aiokafka goes on whatever the listener raises.
        self._waits_until = asyncio.get_running_loop().time() + self.seconds()
        await self._listener.on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Wait no longer."""
        self._waits_until = None
        await self._listener.on_partitions_assigned(assigned)


class _Member:
    """One consumer of a group, one FastStream subscriber.

    One subscriber with `max_workers` would be shorter. It is not taken: it stops its consumers before the messages in
    hand are finished, and its members share one listener, which cannot tell whose partitions are revoked.
    """

    def __init__(
        self,
        *,
        broker: KafkaBroker,
        kafka: KafkaSettings,
        settings: ConsumerSettings,
        group: Group,
        handle: Handle,
        judge: Judge,
        dead_letters: DeadLetters,
        metrics: ConsumerMetrics,
    ) -> None:
        self.joined = False
        self._metrics = metrics
        self._offsets = Offsets(
            self._consumer,
            interval_seconds=settings.commit_interval_seconds,
            timeout_seconds=kafka.request_timeout_seconds,
        )
        self._acknowledgement = Acknowledgement(
            handle=handle,
            judge=judge,
            dead_letters=dead_letters,
            offsets=self._offsets,
            consumer=self._consumer,
            settings=settings,
            group_id=group.group_id,
            max_message_bytes=kafka.max_message_bytes,
            metrics=metrics,
        )
        self._admission = _Admission(self._acknowledgement, timeout_seconds=settings.join_timeout_seconds)
        self._subscriber = broker.subscriber(
            *group.topics,
            group_id=group.group_id,
            listener=self._admission,
            auto_offset_reset="earliest",
            session_timeout_ms=milliseconds(settings.session_timeout_seconds),
            heartbeat_interval_ms=milliseconds(settings.heartbeat_interval_seconds),
            max_poll_interval_ms=milliseconds(settings.max_poll_interval_seconds),
            fetch_max_wait_ms=milliseconds(settings.fetch_wait_seconds),
            rebalance_timeout_ms=milliseconds(settings.rebalance_timeout_seconds),
            no_reply=True,
        )
        self._subscriber(self._take)

    async def run(self, stopping: asyncio.Event) -> None:
        """Be a member until `stopping` is set; join again, after a pause, whenever that failed."""
        committing = asyncio.create_task(self._offsets.run())
        failures = 0
        try:
            while not stopping.is_set():
                try:
                    await _unless(stopping, self._serve())
                except (KafkaError, OSError) as error:
                    failures = 0 if self.joined else failures + 1
                    logger.bind(error=type(error).__name__).warning(
                        "a Kafka consumer failed and starts again"
                    )
                except _NotAdmittedError:
                    failures = _CROWDED_FAILURES
                    logger.warning("a Kafka consumer waited too long for its group and joins again")
                finally:
                    self.joined = False
                    await self._stop()
                await _unless(stopping, asyncio.sleep(_pause_seconds(failures)))
        finally:
            committing.cancel()
            await asyncio.wait([committing])

    async def _serve(self) -> None:
        """Join, then watch.

        Raises KafkaError when there is no broker, no topic, or the membership is lost for good; _NotAdmittedError when
        the group lets the member wait for too long, at first or later. aiokafka would wait for ever.
        """
        self._acknowledgement.restart()
        self._admission.restart()
        bound = asyncio.timeout(self._admission.seconds())
        try:
            async with bound:
                await self._subscriber.start()
        except TimeoutError:
            if bound.expired():
                raise _NotAdmittedError from None
            raise
        if isinstance(consumer := self._consumer(), MendingConsumer):
            consumer.on_unreadable = self._acknowledgement.refetch
        self.joined = True
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            self._admission.check()
            consumer = self._consumer()
            if consumer is not None:
                # FastStream tries again for ever on a dead coordinator, which never comes back to life.
                consumer._coordinator.check_errors()  # noqa: SLF001 - no public way; a test watches the name
                await self._report_lag(consumer)

    async def _stop(self) -> None:
        await self._acknowledgement.drain()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._subscriber.stop()
        except (KafkaError, OSError, TimeoutError) as error:
            # The group finds out by itself, once the session has timed out.
            logger.bind(error=type(error).__name__).warning("a Kafka consumer could not leave its group")

    async def _take(self, record: ConsumerRecord[bytes | None, bytes | None]) -> None:
        await self._acknowledgement.take(
            Record(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                timestamp_ms=record.timestamp,
                key=record.key,
                value=record.value,
                headers=tuple(record.headers),
                unreadable=self._why_unreadable(record),
            )
        )

    def _why_unreadable(self, record: ConsumerRecord[bytes | None, bytes | None]) -> str | None:
        consumer = self._consumer()
        if not isinstance(consumer, MendingConsumer):
            return None  # it was stopped meanwhile
        return consumer.why_unreadable(TopicPartition(record.topic, record.partition), record.offset)

    async def _report_lag(self, consumer: AIOKafkaConsumer) -> None:
        for source in consumer.assignment():
            end = consumer.highwater(source)
            if end is not None:  # a fetch has answered, so there is a position too
                position = await consumer.position(source)
                self._metrics.lag(source.topic, source.partition, max(0, end - position))

    def _consumer(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, object]) -> None:
    """Run the work until it ends or `stopping` is set, whichever comes first; raise what it raises."""
    tasks = [asyncio.create_task(work), asyncio.create_task(stopping.wait())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    if not tasks[0].cancelled():
        tasks[0].result()


def _pause_seconds(failures: int) -> float:
    longest = min(_RESTART_MAX_SECONDS, _RESTART_MIN_SECONDS * 2.0 ** min(failures, 30))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
