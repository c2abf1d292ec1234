"""Kafka that is not there, for a broker of the test's own: at the start, and later."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from struct import pack, unpack

import pytest
from aiokafka.errors import KafkaError
from integration.kafka.conftest import World, kafka_settings, until
from loguru import logger

from library_adapters.kafka import Producer, ensure_topics
from library_devstack.stack import Kafka, Stack
from library_domain.shared.errors import DependencyUnavailable

TOPIC = "payment-events"
METADATA = 3
"""The number of this request in Kafka's protocol."""


@pytest.fixture
def absent_kafka(tmp_path: Path) -> Iterator[Kafka]:
    """Give a broker that is not started."""
    stack = Stack(tmp_path, durable=False)
    yield stack.find(Kafka)
    stack.destroy()


@pytest.fixture
def messages() -> Iterator[list[str]]:
    kept: list[str] = []
    number = logger.add(kept.append, format="{message}", level="WARNING")
    yield kept
    logger.remove(number)


async def test_members_join_when_the_broker_comes_and_again_when_it_comes_back(
    absent_kafka: Kafka, messages: list[str]
) -> None:
    settings = kafka_settings(
        absent_kafka.bootstrap, request_timeout_seconds=1.0, delivery_timeout_seconds=1.0
    )
    world = World(settings, TOPIC, Producer(settings))
    consumers, stopping = world.consumers(), asyncio.Event()
    running = asyncio.create_task(consumers.run(stopping))
    try:
        await until(lambda: sum("starts again" in message for message in messages) >= 2)
        with pytest.raises(DependencyUnavailable):
            await consumers.check()

        await asyncio.to_thread(absent_kafka.start)
        await ensure_topics(settings, consumed=[TOPIC])
        await world.send(b"first")
        await until(lambda: world.handler.values == [b"first"])
        await consumers.check()

        absent_kafka.pause()
        with pytest.raises(DependencyUnavailable):
            await world.producer.send(TOPIC, key=b"key", value=b"lost?", headers=())
        absent_kafka.resume()
        await world.send(b"second")
        await until(lambda: b"second" in world.handler.values)
    finally:
        stopping.set()
        await running
        await world.producer.close()


async def test_a_member_whose_coordinator_died_starts_again(
    world: World, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    consumers, stopping = world.consumers(), asyncio.Event()
    running = asyncio.create_task(consumers.run(stopping))
    await world.send(b"first")
    await until(lambda: world.handler.values == [b"first"])

    def die() -> None:
        monkeypatch.undo()
        raise KafkaError("Unexpected error in coordinator")

    consumer = consumers._members[0]._consumer()
    assert consumer is not None
    monkeypatch.setattr(consumer._coordinator, "check_errors", die)
    await until(lambda: any("starts again" in message for message in messages))
    await world.send(b"second")
    await until(lambda: world.handler.values == [b"first", b"second"])

    stopping.set()
    await running


async def test_an_end_does_not_wait_for_a_broker_that_never_came(unused_tcp_port: int) -> None:
    settings = kafka_settings(f"127.0.0.1:{unused_tcp_port}")
    world = World(settings, TOPIC, Producer(settings))
    stopping = asyncio.Event()
    running = asyncio.create_task(world.consumers().run(stopping))
    await asyncio.sleep(0)

    stopping.set()

    async with asyncio.timeout(2):
        await running


async def test_topics_of_a_broker_that_is_away_are_not_made(unused_tcp_port: int) -> None:
    with pytest.raises(DependencyUnavailable):
        await ensure_topics(kafka_settings(f"127.0.0.1:{unused_tcp_port}"), consumed=[TOPIC])


async def test_a_start_that_takes_too_long_leaves_no_connection_open(unused_tcp_port: int) -> None:
    """aiokafka forgets its first connection when it is cut off between the broker's versions and its metadata."""
    closed, asked = asyncio.Event(), asyncio.Event()

    async def answer_versions_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                (size,) = unpack(">i", await reader.readexactly(4))
                api, _, correlation = unpack(">hhi", (await reader.readexactly(size))[:8])
                if api == METADATA:
                    asked.set()
                    continue
                answer = pack(">ihihhh", correlation, 0, 1, METADATA, 0, 5)
                writer.write(pack(">i", len(answer)) + answer)
        writer.close()
        closed.set()

    broker = await asyncio.start_server(answer_versions_only, "127.0.0.1", unused_tcp_port)
    producer = Producer(
        kafka_settings(
            f"127.0.0.1:{unused_tcp_port}", request_timeout_seconds=0.5, delivery_timeout_seconds=0.2
        )
    )
    async with broker:
        with pytest.raises(DependencyUnavailable):
            await producer.send(TOPIC, key=b"key", value=b"value", headers=())
        assert asked.is_set()
        assert not closed.is_set()

        await producer.close()
        async with asyncio.timeout(2):
            await closed.wait()
