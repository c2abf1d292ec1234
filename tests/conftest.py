"""Fixtures of every folder. The embedded stack starts when the first test asks for a part of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fakes.clock import FakeClock, SequentialIds
from hypothesis import settings
from pydantic import SecretStr

from library_adapters.postgres.pool import Pool, open_pool
from library_adapters.postgres.settings import PostgresSettings

pytest_plugins = ["library_devstack.pytest_plugin", "figures"]

# The same examples in every run: a red build is red for everybody. No deadline: CI machines pause.
settings.register_profile("library", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("library")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ids() -> SequentialIds:
    return SequentialIds()


def postgres_settings(dsn: str, **overrides: Any) -> PostgresSettings:
    values: dict[str, Any] = {"dsn": SecretStr(dsn), "pool_timeout_seconds": 5.0}
    return PostgresSettings(**values | overrides)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_settings(database, pool_max=5)) as pool:
        yield pool
