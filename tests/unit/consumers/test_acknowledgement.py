"""Corners of the policy that no broker brings about on demand."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError
from prometheus_client import CollectorRegistry

from library_adapters.kafka import ConsumerSettings, Outcome, Poison, Record, Verdict
from library_adapters.kafka.acknowledgement import Acknowledgement
from library_adapters.kafka.metrics import ConsumerMetrics
from library_adapters.kafka.offsets import Offsets

SOURCE = TopicPartition("topic", 0)


@dataclass
class FakeConsumer:
    committed: dict[TopicPartition, int] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    failures: list[KafkaError] = field(default_factory=list)

    def assignment(self) -> set[TopicPartition]:
        return {SOURCE}

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        if self.failures:
            raise self.failures.pop()
        self.committed.update(offsets)

    def seek(self, source: TopicPartition, offset: int) -> None:
        self.calls.append(("seek", source, offset))

    def pause(self, *sources: TopicPartition) -> None:
        self.calls.append(("pause", *sources))

    def resume(self, *sources: TopicPartition) -> None:
        self.calls.append(("resume", *sources))


class FakeDeadLetters:
    def __init__(self) -> None:
        self.buried: list[Record] = []

    async def bury(self, record: Record, failure: object) -> None:
        self.buried.append(record)


def record(offset: int = 7) -> Record:
    return Record(topic="topic", partition=0, offset=offset, timestamp_ms=0, key=None, value=b"v")


class World:
    def __init__(
        self,
        handle: Callable[[Record], Awaitable[Outcome]],
        judge: Callable[[Exception], Verdict] = lambda _: Verdict.RETRY,
    ) -> None:
        self.consumer = FakeConsumer()
        self.dead_letters = FakeDeadLetters()
        self.registry = CollectorRegistry()
        self.offsets = Offsets(lambda: self.consumer, interval_seconds=0, timeout_seconds=1)
        self.policy = Acknowledgement(
            handle=handle,
            judge=judge,
            dead_letters=self.dead_letters,  # type: ignore[arg-type]
            offsets=self.offsets,
            consumer=lambda: self.consumer,
            settings=ConsumerSettings(revoke_timeout_seconds=0.05),
            group_id="group",
            max_message_bytes=1_024,
            metrics=ConsumerMetrics(self.registry),
        )


async def work(_: Record) -> Outcome:
    return Outcome.PROCESSED


async def fail(_: Record) -> Outcome:
    raise ZeroDivisionError


async def test_a_bug_in_the_judgement_loses_no_message() -> None:
    def confused(_: Exception) -> Verdict:
        raise KeyError("no verdict")

    world = World(fail, confused)

    await world.policy.take(record())
    await world.offsets.commit()

    assert world.consumer.calls == [("seek", SOURCE, 7), ("pause", SOURCE)]
    assert world.consumer.committed == {}


async def test_what_nobody_needs_to_look_at_is_committed_and_not_buried() -> None:
    world = World(fail, lambda _: Verdict.SKIP)

    await world.policy.take(record())
    await world.offsets.commit()

    assert world.consumer.committed == {SOURCE: 8}
    assert world.dead_letters.buried == []


async def test_a_message_that_ends_after_its_partition_was_taken_away_changes_nothing() -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_: Record) -> Outcome:
        began.set()
        await may_end.wait()
        return Outcome.PROCESSED

    world = World(slow)
    taking = asyncio.create_task(world.policy.take(record()))
    await began.wait()

    await world.policy.on_partitions_revoked([SOURCE])  # waits its 0.05 s, in vain
    may_end.set()
    await taking
    await world.offsets.commit()

    assert world.consumer.committed == {}
    assert world.consumer.calls == []


async def test_a_bad_message_whose_partition_was_taken_away_is_buried_by_who_has_it() -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_: Record) -> Outcome:
        began.set()
        await may_end.wait()
        raise Poison("not_json", "bad")

    world = World(slow)
    taking = asyncio.create_task(world.policy.take(record()))
    await began.wait()
    await world.policy.on_partitions_revoked([SOURCE])
    may_end.set()
    await taking

    assert world.dead_letters.buried == []


async def test_a_partition_that_was_taken_away_is_not_resumed() -> None:
    world = World(fail)
    await world.policy.take(record())

    await world.policy.on_partitions_revoked([SOURCE])

    assert world.registry.get_sample_value("library_consumer_paused_partitions") == 0
    assert world.policy._partitions == {}


async def test_partitions_that_come_while_draining_are_kept_still() -> None:
    world = World(work)
    await world.policy.drain()

    await world.policy.on_partitions_assigned([SOURCE])
    await world.policy.take(record())
    await world.offsets.commit()

    assert ("pause", SOURCE) in world.consumer.calls
    assert world.consumer.committed == {}


async def test_a_commit_that_failed_for_want_of_kafka_is_made_later() -> None:
    world = World(work)
    world.consumer.failures = [KafkaError()]
    await world.policy.take(record())

    assert await world.offsets.commit() is False
    assert await world.offsets.commit() is True
    assert world.consumer.committed == {SOURCE: 8}


async def test_a_commit_that_the_group_refuses_is_not_repeated() -> None:
    world = World(work)
    world.consumer.failures = [CommitFailedError()]
    await world.policy.take(record())

    assert await world.offsets.commit() is True
    assert await world.offsets.commit() is True
    assert world.consumer.committed == {}


@pytest.mark.parametrize("attempt", [1, 2, 6, 10_000])
def test_pauses_grow_to_a_maximum_and_are_never_the_same(attempt: int) -> None:
    world = World(work)

    pauses = {world.policy._pause_seconds(attempt) for _ in range(20)}

    longest = min(4.0, 0.1 * 2 ** min(attempt - 1, 30))
    assert all(longest / 2 <= pause <= longest for pause in pauses)
    assert len(pauses) > 1
