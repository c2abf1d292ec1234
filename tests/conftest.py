"""Fixtures of every folder. The embedded stack starts when the first test asks for a part of it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fakes.clock import FakeClock, SequentialIds
from hypothesis import settings
from pydantic import SecretStr
from servers import Postgres15

from library_adapters.postgres import migrate
from library_adapters.postgres.pool import Pool, open_pool
from library_adapters.postgres.settings import PostgresSettings
from library_devstack.stack.state import State

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


@pytest.fixture(scope="session")
def postgres_15(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres15]:
    """Give PostgreSQL 15, started; see servers.py for where there is one."""
    server = Postgres15(State(tmp_path_factory.mktemp("postgres-15")), durable=False)
    server.start()
    yield server
    server.destroy()


@pytest.fixture(scope="session")
def template_15(postgres_15: Postgres15) -> str:
    """Give the name of a migrated database of PostgreSQL 15 that others are cloned from."""
    migrate.apply(postgres_15.create_database("library_template"))
    return "library_template"


@pytest.fixture
def database_15(postgres_15: Postgres15, template_15: str) -> Iterator[str]:
    """Give the URL of a migrated, empty database of PostgreSQL 15 that only this test uses."""
    yield postgres_15.create_database("test", template=template_15)
    postgres_15.drop_database("test")
