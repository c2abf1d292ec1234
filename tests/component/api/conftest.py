"""A client of the REST door."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from component.api.door import World, client_of
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
def records() -> Iterator[list[dict[str, Any]]]:
    """Collect what is logged."""
    collected: list[dict[str, Any]] = []
    handler = logger.add(lambda message: collected.append(dict(message.record)), level="DEBUG", format="")
    yield collected
    logger.remove(handler)
