"""Fixtures of every folder. The embedded stack starts when the first test asks for a part of it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fakes.clock import FakeClock, SequentialIds
from hypothesis import settings
from pydantic import SecretStr
from servers import Postgres15, borrowed, migrated_database

from library_adapters.postgres.pool import Pool, open_pool
from library_adapters.postgres.settings import PostgresSettings
from library_devstack.stack import Postgres
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
def migrated(postgres: Postgres) -> str:
    """Give the URL of the database that `database` lends."""
    return migrated_database(postgres)


@pytest.fixture
def database(postgres: Postgres, migrated: str) -> Iterator[str]:
    """Lend a migrated, empty database to one test. One that changes the schema takes `empty_database`."""
    with borrowed(postgres, migrated) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def postgres_15(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres15]:
    """Give PostgreSQL 15, started; see servers.py for where there is one."""
    server = Postgres15(State(tmp_path_factory.mktemp("postgres-15")), durable=False)
    server.start()
    yield server
    server.destroy()


@pytest.fixture(scope="session")
def migrated_15(postgres_15: Postgres15) -> str:
    """Give the URL of the database that `database_15` lends."""
    return migrated_database(postgres_15)


@pytest.fixture
def database_15(postgres_15: Postgres15, migrated_15: str) -> Iterator[str]:
    """Lend a migrated, empty database of PostgreSQL 15 to one test."""
    with borrowed(postgres_15, migrated_15) as dsn:
        yield dsn
