"""A topic, its dead letters, and members of a group of their own for each test, over the embedded broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from fakes.clock import FakeClock
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry

from library_adapters.kafka import (
    Consumers,
    ConsumerSettings,
    DeadLetters,
    Group,
    KafkaSettings,
    Outcome,
    Poison,
    Producer,
    Record,
    TopicSettings,
    Verdict,
    ensure_topics,
)
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.topics import dead_letter_topic

SECONDS = 20
"""How long anything here may take before the test fails."""
PARTITIONS = 4
_names = count(1)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - much of it is metrics, which tell nobody
            await asyncio.sleep(0.01)


def kafka_settings(bootstrap: str, **overrides: Any) -> KafkaSettings:
    values: dict[str, Any] = {
        "bootstrap_servers": bootstrap,
        "enable_idempotence": False,
        "request_timeout_seconds": 5.0,
        "delivery_timeout_seconds": 5.0,
        "topics": TopicSettings(partitions=PARTITIONS, replication_factor=1, min_insync_replicas=1),
    }
    return KafkaSettings(**values | overrides)


@pytest.fixture
def settings(kafka_bootstrap: str) -> KafkaSettings:
    return kafka_settings(kafka_bootstrap)


@pytest.fixture
async def producer(settings: KafkaSettings) -> AsyncIterator[Producer]:
    producer = Producer(settings)
    yield producer
    await producer.close()


def judge(error: Exception) -> Verdict:
    return Verdict.RETRY if isinstance(error, DependencyUnavailable) else Verdict.RETRY_SOME


@dataclass
class Handler:
    """Remembers what it got. A test makes it fail by what `before` raises."""

    got: list[Record] = field(default_factory=list)
    before: Callable[[Record], None] = lambda _: None

    async def __call__(self, record: Record) -> Outcome:
        self.got.append(record)
        self.before(record)
        return Outcome.PROCESSED

    @property
    def values(self) -> list[bytes]:
        return [record.value or b"" for record in self.got]

    def values_of(self, partition: int) -> list[bytes]:
        return [record.value or b"" for record in self.got if record.partition == partition]


class NotText(str):
    """The name of a header as another producer may write it: what aiokafka calls a str need be no UTF-8."""

    __slots__ = ()

    def encode(self, encoding: str = "latin-1", errors: str = "strict") -> bytes:
        return super().encode("latin-1")


@dataclass
class World:
    """One topic and what a test does with it."""

    settings: KafkaSettings
    topic: str
    producer: Producer
    handler: Handler = field(default_factory=Handler)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    async def send(
        self, *values: bytes | None, partition: int = 0, headers: list[tuple[str, bytes]] | None = None
    ) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap_servers, max_request_size=4 * 1024 * 1024
        )
        await producer.start()
        try:
            for value in values:
                await producer.send_and_wait(
                    self.topic, value, key=b"key", partition=partition, headers=headers or []
                )
        finally:
            await producer.stop()

    async def send_batch(self, *records: tuple[bytes, list[tuple[str, bytes]]], partition: int = 0) -> None:
        """Send records as one batch; headers' names may be `NotText`."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap_servers)
        await producer.start()
        try:
            batch = producer.create_batch()
            # The builder in C encodes names itself; its twin in Python asks them.
            batch._builder = _DefaultRecordBatchBuilderPy(
                magic=2,
                compression_type=0,
                is_transactional=0,
                producer_id=-1,
                producer_epoch=-1,
                base_sequence=-1,
                batch_size=1 << 20,
            )
            for value, headers in records:
                batch.append(key=b"key", value=value, timestamp=None, headers=headers)
            batch.close()
            await (await producer.send_batch(batch, self.topic, partition=partition))
        finally:
            await producer.stop()

    def consumers(
        self,
        registry: CollectorRegistry | None = None,
        *,
        groups: Sequence[Group] = (),
        **overrides: Any,
    ) -> Consumers:
        settings = ConsumerSettings(**self.quick | overrides)
        return Consumers(
            kafka=self.settings,
            settings=settings,
            groups=groups or [Group(group_id=settings.group_id, topics=[self.topic])],
            handle=self.handler,
            judge=judge,
            dead_letters=DeadLetters(self.producer, clock=FakeClock()),
            registry=registry or self.registry,
            tracer_provider=TracerProvider(),
        )

    @property
    def group(self) -> str:
        return f"group-of-{self.topic}"

    @property
    def quick(self) -> dict[str, Any]:
        return {
            "group_id": self.group,
            "workers": 1,
            "session_timeout_seconds": 1.0,
            "heartbeat_interval_seconds": 0.25,
            "retry_min_seconds": 0.05,
            "retry_max_seconds": 0.2,
            "commit_interval_seconds": 0.05,
        }

    @asynccontextmanager
    async def consuming(
        self, registry: CollectorRegistry | None = None, **overrides: Any
    ) -> AsyncIterator[None]:
        """Run members of the group; another process of the group has a registry of its own."""
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.consumers(registry, **overrides).run(stopping))
            try:
                yield
            finally:
                stopping.set()

    async def committed(self) -> dict[int, int]:
        """Return the group's offsets of partitions that have one."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.bootstrap_servers, group_id=self.group, enable_auto_commit=False
        )
        await consumer.start()
        try:
            offsets = {n: await consumer.committed(TopicPartition(self.topic, n)) for n in range(PARTITIONS)}
        finally:
            await consumer.stop()
        return {n: offset for n, offset in offsets.items() if offset is not None}

    async def read(self, topic: str) -> list[ConsumerRecord[bytes | None, bytes | None]]:
        """Return everything that a topic holds now."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.bootstrap_servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, n) for n in range(PARTITIONS)]
            consumer.assign(partitions)
            records = []
            async with asyncio.timeout(SECONDS):
                # Not by end_offsets: the embedded broker answers with the start of the last batch.
                while not all([consumer.highwater(p) == await consumer.position(p) for p in partitions]):
                    for batch in (await consumer.getmany(timeout_ms=50)).values():
                        records += batch
            return records
        finally:
            await consumer.stop()

    async def dead_letters(self) -> list[ConsumerRecord[bytes | None, bytes | None]]:
        return await self.read(dead_letter_topic(self.topic))

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    def outcomes(self) -> dict[str, int]:
        """Return how the attempts ended, and how often."""
        counted = (
            sample
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == "library_consumer_messages_total"
        )
        return {sample.labels["outcome"]: int(sample.value) for sample in counted}


@pytest.fixture
async def world(settings: KafkaSettings, producer: Producer) -> World:
    name = f"kafka-test-{next(_names)}"
    await ensure_topics(settings, consumed=[name])
    return World(settings, name, producer)


def poison(reason: str) -> Callable[[Record], None]:
    """Return a `before` that calls every message whose value starts with `bad` a bad one."""

    def before(record: Record) -> None:
        if (record.value or b"").startswith(b"bad"):
            raise Poison(reason, "it says so itself")

    return before
