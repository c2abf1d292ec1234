"""A group that does not come to an end with itself: who waits for it too long leaves, and joins anew."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance
from integration.kafka.conftest import World, until
from loguru import logger

from library_adapters.kafka import Consumers
from library_domain.shared.errors import DependencyUnavailable


class Group:
    """Whether the group lets anybody in. To aiokafka, which it makes ask again at once, it is being rebalanced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        join = CoordinatorGroupRebalance.perform_group_join

        async def join_when_open(rebalance: CoordinatorGroupRebalance) -> Any:
            return await join(rebalance) if self.open else None

        self.open = True
        monkeypatch.setattr(CoordinatorGroupRebalance, "perform_group_join", join_when_open)


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> Group:
    return Group(monkeypatch)


@pytest.fixture
def given_up() -> Iterator[list[str]]:
    kept: list[str] = []
    number = logger.add(kept.append, filter=lambda line: "joins again" in line["message"])
    yield kept
    logger.remove(number)


@pytest.fixture
def consumers(world: World) -> Consumers:
    return world.consumers(
        revoke_timeout_seconds=0.5, rebalance_timeout_seconds=1.0, join_timeout_seconds=1.5
    )


@asynccontextmanager
async def running(consumers: Consumers) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(consumers.run(stopping))
        try:
            yield
        finally:
            stopping.set()


async def test_who_is_not_let_in_tries_again_until_he_is(
    world: World, consumers: Consumers, group: Group, given_up: list[str]
) -> None:
    group.open = False

    async with running(consumers):
        await world.send(b"first")
        await until(lambda: len(given_up) == 1)
        with pytest.raises(DependencyUnavailable):
            await consumers.check()
        group.open = True
        await until(lambda: world.handler.values == [b"first"])


async def test_a_rebalance_without_end_is_left_as_well(
    world: World, consumers: Consumers, group: Group, given_up: list[str]
) -> None:
    async with running(consumers):
        await world.send(b"first")
        await until(lambda: world.handler.values == [b"first"])
        group.open = False
        consumer = consumers._members[0]._consumer()
        assert consumer is not None
        consumer._coordinator.request_rejoin()
        await until(lambda: len(given_up) == 1)
        group.open = True
        await world.send(b"second")
        await until(lambda: world.handler.values == [b"first", b"second"])
