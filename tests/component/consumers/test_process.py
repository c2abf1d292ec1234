"""`library-consumers consume` and `relay` as processes: a purchase goes in, its event comes out; starts and ends."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from builders import game_id, user_id
from component.consumers.processes import SECONDS, Environment, all_up, ended, readiness, started
from uuid_utils.compat import uuid7
from waiting import until

from library_devstack.stack import Kafka, Postgres
from library_domain.shared.ids import UserId

RECOVERY_SECONDS = 10
"""Five promised after the database is back (reliability B1), and as much for a busy machine."""
TRACE = "0af7651916cd43dd8448eb211c80319c"


def purchase(user: str) -> bytes:
    return json.dumps(
        {
            "event_id": str(uuid7()),
            "event_type": "payment.purchase.completed",
            "source": "payment-service",
            "subject": str(user_id(user)),
            "timestamp": "2026-11-20T12:00:00Z",
            "version": "1.0",
            "data_content_type": "application/json",
            "data": {
                "user_id": str(user_id(user)),
                "game_id": str(game_id("Portal 2")),
                "transaction_id": f"txn-{user}",
                "purchase_type": "direct",
                "price": {"amount": 499.00, "currency": "RUB"},
            },
        }
    ).encode()


async def send(bootstrap: str, topic: str, *values: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for value in values:
            headers = [("traceparent", f"00-{TRACE}-b7ad6b7169203331-01".encode())]
            await producer.send_and_wait(topic, value, key=b"key", headers=headers)
    finally:
        await producer.stop()


@asynccontextmanager
async def listening(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def first_of(consumer: AIOKafkaConsumer, user: str) -> ConsumerRecord[bytes, bytes]:
    async with asyncio.timeout(SECONDS):
        while True:
            record = await consumer.getone()
            if record.key == str(user_id(user)).encode():
                return record


async def test_a_purchase_goes_in_and_its_event_comes_out_in_one_trace(
    connected: Environment, kafka: Kafka, database: str, unused_tcp_port_factory: Callable[[], int]
) -> None:
    user = f"buyer {uuid7()}"
    ports = unused_tcp_port_factory(), unused_tcp_port_factory()
    async with AsyncExitStack() as stack:
        consume = await stack.enter_async_context(started("consume", connected, ports[0]))
        relay = await stack.enter_async_context(started("relay", connected, ports[1]))
        events = await stack.enter_async_context(listening(kafka.bootstrap, "library-events"))
        event = purchase(user)
        await send(kafka.bootstrap, "payment-events", b"poison", event, event)

        record = await first_of(events, user)
        await readiness(ports[0], all_up)

        body = json.loads(record.value)
        headers = {name: value.decode() for name, value in record.headers}
        assert (body["event_type"], body["data"]["game_id"]) == (
            "library.game.added",
            str(game_id("Portal 2")),
        )
        assert headers["traceparent"].split("-")[1] == TRACE
        assert headers["ce_id"] == headers["id"] == body["event_id"]
        assert await ended(consume) == 0
        assert await ended(relay) == 0

    with psycopg.connect(database) as connection:
        inbox = connection.execute(
            "SELECT count(*) FROM inbox WHERE user_id = %s", [user_id(user)]
        ).fetchone()
        left = connection.execute("SELECT count(*) FROM outbox").fetchone()
    assert (inbox, left) == ((1,), (0,))


async def test_while_postgresql_is_away_poison_is_buried_and_purchases_wait(
    connected: Environment, kafka: Kafka, postgres: Postgres, database: str, unused_tcp_port: int
) -> None:
    scout = f"scout {uuid7()}"
    users = [f"patient {number} {uuid7()}" for number in range(20)]
    poison = f"poison {uuid7()}".encode()
    async with (
        started("consume", connected, unused_tcp_port) as consume,
        listening(kafka.bootstrap, "payment-events.library-service.dlq") as letters,
    ):
        # What other tests left in the shared topic comes first: with it in hand the poison would rightly wait.
        await send(kafka.bootstrap, "payment-events", purchase(scout))
        await owned(database, [scout], within=SECONDS)
        await asyncio.to_thread(postgres.stop)
        try:
            await send(kafka.bootstrap, "payment-events", poison, *map(purchase, users))
            async with asyncio.timeout(SECONDS):
                while (await letters.getone()).value != poison:
                    pass
        finally:
            await asyncio.to_thread(postgres.start)

        await owned(database, users, within=RECOVERY_SECONDS)
        assert await ended(consume) == 0


async def owned(dsn: str, users: list[str], *, within: float) -> None:
    """Return when each of the users owns something."""
    wanted = {user_id(user) for user in users}

    async def all_of_them() -> bool:
        return wanted <= await asyncio.to_thread(owners, dsn)

    await until(all_of_them, within=within, what=f"something that each of {users} owns")


def owners(dsn: str) -> set[UserId]:
    with psycopg.connect(dsn) as connection:
        return {row[0] for row in connection.execute("SELECT DISTINCT user_id FROM user_libraries")}


@pytest.mark.parametrize("command", ["consume", "relay"])
async def test_a_process_lives_and_says_so_while_everything_is_away(
    command: str, environment: Environment, unused_tcp_port_factory: Callable[[], int]
) -> None:
    port = unused_tcp_port_factory()
    async with started(command, environment, port) as process:
        body = await readiness(port, lambda answer: answer.status_code == 200)
        assert body["status"] == "ready"
        body = await readiness(
            port, lambda answer: answer.json()["dependencies"]["kafka"]["status"] == "down"
        )
        assert process.returncode is None

        assert await ended(process) == 0


async def test_a_bad_setting_is_named_and_the_exit_code_is_2(environment: Environment) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "library_consumers", "consume"),
        env=environment | {"LIBRARY_CONSUMERS__WORKERS": "many"},
        stderr=PIPE,
    )
    _, error = await process.communicate()

    assert process.returncode == 2
    assert b"consumers.workers (LIBRARY_CONSUMERS__WORKERS)" in error


async def test_topics_are_made_twice_without_harm(connected: Environment) -> None:
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "library_consumers", "topics", "ensure"), env=connected, stdout=PIPE
        )
        output, _ = await process.communicate()

        assert process.returncode == 0
        assert b"payment-events.library-service.dlq" in output
        assert {line.split()[0] for line in output.splitlines()} <= {b"created", b"existed"}
