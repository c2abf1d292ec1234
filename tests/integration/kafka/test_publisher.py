"""The outbox's publisher on a real broker, and what a broken producer does to it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber, ProducerClosed, RequestTimedOutError
from builders import NOON, event_id, user_id
from integration.kafka.conftest import World, kafka_settings

from library_adapters.kafka import KafkaEventPublisher, KafkaSettings, Producer
from library_adapters.kafka.clients import make_producer
from library_domain.outbox.model import Delivery, OutboxMessage
from library_domain.shared.errors import DependencyUnavailable


def message(topic: str, *, by: str = "alice", revision: int = 1, **overrides: Any) -> OutboxMessage:
    values: dict[str, Any] = {
        "user_id": user_id(by),
        "revision": revision,
        "n": 0,
        "id": event_id(f"{by} {revision}"),
        "topic": topic,
        "event_type": "library.game.added",
        "payload": b'{"event_id":"x"}',
        "headers": (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("id", "1")),
        "written_at": NOON,
    }
    return OutboxMessage(**values | overrides)


async def test_an_event_is_keyed_by_its_user_and_keeps_payload_and_headers(world: World) -> None:
    publisher = KafkaEventPublisher(world.producer)

    deliveries = await publisher.publish([message(world.topic)])

    assert deliveries == [Delivery.ACKNOWLEDGED]
    (record,) = await world.read(world.topic)
    assert record.key == str(user_id("alice")).encode()
    assert record.value == b'{"event_id":"x"}'
    assert dict(record.headers) == {name: value.encode() for name, value in message("").headers}


async def test_a_wave_is_sent_side_by_side_and_answered_in_order(world: World) -> None:
    publisher = KafkaEventPublisher(world.producer)
    too_large = message(world.topic, by="bob", payload=b"x" * (4 * 1024 * 1024 + 1))
    wave = [message(world.topic, by=f"user {number}") for number in range(200)]

    deliveries = await publisher.publish([*wave[:100], too_large, *wave[100:]])

    assert deliveries == [Delivery.ACKNOWLEDGED] * 100 + [Delivery.REFUSED] + [Delivery.ACKNOWLEDGED] * 100
    assert len(await world.read(world.topic)) == 200


async def test_a_topic_that_does_not_come_into_being_fails_in_time_and_alone(
    settings: KafkaSettings, world: World
) -> None:
    producer = Producer(kafka_settings(settings.bootstrap_servers, delivery_timeout_seconds=0.5))
    publisher = KafkaEventPublisher(producer)

    # The embedded broker makes every topic that is asked for, but for those whose name it cannot.
    deliveries = await publisher.publish([message("no such topic"), message(world.topic, by="bob")])
    await producer.close()

    assert deliveries == [Delivery.FAILED, Delivery.ACKNOWLEDGED]


async def test_everything_fails_at_once_while_the_broker_is_away(unused_tcp_port: int) -> None:
    producer = Producer(kafka_settings(f"127.0.0.1:{unused_tcp_port}"))
    publisher = KafkaEventPublisher(producer)

    async with asyncio.timeout(2):
        deliveries = await publisher.publish([message("t", by=f"user {number}") for number in range(500)])
    with pytest.raises(DependencyUnavailable):
        await producer.check()
    await producer.close()

    assert deliveries == [Delivery.FAILED] * 500


class Factory:
    """Makes real producers; the first one's sends raise what the test says."""

    def __init__(self, failure: Callable[[], KafkaError]) -> None:
        self.made: list[AIOKafkaProducer] = []
        self._failure = failure

    def __call__(self, settings: KafkaSettings) -> AIOKafkaProducer:
        producer = make_producer(settings)
        if not self.made:
            producer.send_and_wait = self._fail
        self.made.append(producer)
        return producer

    async def _fail(self, *args: object, **kwargs: object) -> None:
        raise self._failure()


@pytest.mark.parametrize("failure", [OutOfOrderSequenceNumber, ProducerClosed, KafkaError])
async def test_a_producer_that_is_broken_for_good_is_replaced_once(
    settings: KafkaSettings, world: World, failure: type[KafkaError]
) -> None:
    factory = Factory(failure)
    producer = Producer(settings, make=factory)
    publisher = KafkaEventPublisher(producer)
    wave = [message(world.topic, by=f"user {number}") for number in range(20)]

    first = await publisher.publish(wave)
    second = await publisher.publish(wave)
    await producer.close()

    # What waited for the replacement may already have gone through it.
    assert first[0] is Delivery.FAILED
    assert second == [Delivery.ACKNOWLEDGED] * 20
    assert len(factory.made) == 2


async def test_a_failure_that_passes_does_not_replace_the_producer(
    settings: KafkaSettings, world: World
) -> None:
    factory = Factory(RequestTimedOutError)
    producer = Producer(settings, make=factory)

    with pytest.raises(DependencyUnavailable):
        await producer.send(world.topic, key=b"k", value=b"v", headers=())
    await producer.close()

    assert len(factory.made) == 1


async def test_a_producer_that_does_not_stop_is_abandoned_without_leftovers(
    settings: KafkaSettings, world: World
) -> None:
    made: list[AIOKafkaProducer] = []

    def make(settings: KafkaSettings) -> AIOKafkaProducer:
        made.append(make_producer(settings))
        return made[-1]

    producer = Producer(kafka_settings(settings.bootstrap_servers, request_timeout_seconds=0.2), make=make)
    await producer.send(world.topic, key=b"k", value=b"v", headers=())

    async def never(*args: object) -> None:
        await asyncio.Event().wait()

    made[0]._message_accumulator.close = never
    await producer.close()

    assert made[0]._sender.sender_task.done()
