"""A client of the REST door, over fakes or over a real database."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from component.api.door import World, client_of
from component.api.playing import House, Player, house
from loguru import logger

from library_api.app import create_app


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(create_app(world.application())) as client:
        yield client


@pytest.fixture
async def home(database: str) -> AsyncIterator[House]:
    """Open the door over a database in which Alice has two games."""
    async with house(database) as opened:
        await opened.give("Portal 2", "Braid")
        yield opened


@pytest.fixture
def alice(home: House) -> Player:
    return home.player()


@pytest.fixture
def records() -> Iterator[list[dict[str, Any]]]:
    """Collect what is logged."""
    collected: list[dict[str, Any]] = []
    handler = logger.add(lambda message: collected.append(dict(message.record)), level="DEBUG", format="")
    yield collected
    logger.remove(handler)
