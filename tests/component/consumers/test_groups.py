"""`library-consumers consume` for some groups and for all: every event of the contract goes in and leaves its row."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from component.consumers.processes import SECONDS, Environment, all_up, ended, readiness, started
from uuid_utils.compat import uuid7
from waiting import until

from library_devstack import events
from library_devstack.event_contract import EventContract
from library_devstack.stack import Kafka

# What each type leaves: a query for how often, by user and game.
TRACES = {
    "payment.purchase.completed": "SELECT count(*) FROM user_libraries WHERE user_id = %(user)s AND game_id = %(game)s",
    "payment.purchase.refunded": "SELECT count(*) FROM refunds WHERE user_id = %(user)s",
    "payment.subscription.changed": "SELECT count(*) FROM subscriptions WHERE user_id = %(user)s",
    "catalog.game.updated": "SELECT count(*) FROM catalog.games WHERE game_id = %(game)s AND name IS NOT NULL",
    "catalog.achievement.updated": "SELECT count(*) FROM catalog.game_achievements WHERE game_id = %(game)s",
    "catalog.price.changed": "SELECT count(*) FROM catalog.prices WHERE game_id = %(game)s",
    "account.user.deleted": "SELECT count(*) FROM erasure_jobs WHERE user_id = %(user)s",
}
DOWNLOADS = ("download.game.installed", "download.game.uninstalled", "download.game.progress")
DEVICE = "SELECT count(*) FROM user_installations WHERE user_id = %(user)s AND game_id = %(game)s"


async def publish(kafka: Kafka, *types: str, user: UUID, game: UUID) -> None:
    contract = EventContract()
    async with events.open_producer(kafka.bootstrap) as producer:
        for event_type in types:
            event = contract.example(event_type, user=user, game=game, changes={})
            await producer.send_and_wait(contract.topic_of(event_type), **events.record(event))


async def counted(dsn: str, query: str, *, user: UUID, game: UUID) -> int:
    def ask() -> Any:
        with psycopg.connect(dsn) as connection:
            return connection.execute(query, {"user": str(user), "game": str(game)}).fetchone()

    (number,) = await asyncio.to_thread(ask)
    return int(number)


async def left(dsn: str, *queries: str, user: UUID, game: UUID) -> None:
    """Return when each query finds something."""
    for query in queries:
        await until(partial(counted, dsn, query, user=user, game=game), within=SECONDS, what=query)


async def test_a_process_of_one_group_leaves_the_other_topics_alone(
    connected: Environment, kafka: Kafka, database: str, unused_tcp_port: int
) -> None:
    user, game = UUID(int=uuid7().int), UUID(int=uuid7().int)
    await publish(kafka, "payment.purchase.completed", "catalog.game.updated", user=user, game=game)

    async with started("consume", connected, unused_tcp_port, arguments=["catalog"]) as process:
        await left(database, TRACES["catalog.game.updated"], user=user, game=game)
        await readiness(unused_tcp_port, all_up)
        assert await ended(process) == 0

    assert await counted(database, TRACES["payment.purchase.completed"], user=user, game=game) == 0


async def test_every_event_leaves_its_row_and_again_no_second_one(
    connected: Environment, kafka: Kafka, database: str, unused_tcp_port: int
) -> None:
    user, game = UUID(int=uuid7().int), UUID(int=uuid7().int)

    async with started("consume", connected, unused_tcp_port) as process:
        for _ in range(2):
            await publish(kafka, *TRACES, user=user, game=game)
        await left(database, *TRACES.values(), user=user, game=game)
        # The game is there now: none of these is left to a job.
        await publish(kafka, *DOWNLOADS, user=user, game=game)
        await left(database, DEVICE, user=user, game=game)
        await readiness(unused_tcp_port, all_up)
        assert await ended(process) == 0

    for query in (*TRACES.values(), DEVICE):
        assert await counted(database, query, user=user, game=game) == 1, query
