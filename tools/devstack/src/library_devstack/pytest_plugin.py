"""Fixtures over the embedded stack, for `pytest -p library_devstack.pytest_plugin`.

A component starts when the first test of the session asks for it, forgets everything at the end, and is shared:
what a test needs for itself is a database (`database`) and a topic (`unique_topic`).
"""

import asyncio
from collections.abc import Iterator
from itertools import count

import pytest
from psycopg.conninfo import conninfo_to_dict

from library_devstack.stack import Kafka, Postgres, Redis, Stack
from library_devstack.stack.state import LOOPBACK, State
from library_devstack.standins.issuer import Issuer, make_key, serve

_TEMPLATE = "library_template"
_databases = count(1)
_topics = count(1)


@pytest.fixture(scope="session")
def idle_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give the session a stack of its own, with nothing started; for fixtures that need one component."""
    stack = Stack(tmp_path_factory.mktemp("devstack"), durable=False)
    yield stack
    stack.destroy()


@pytest.fixture(scope="session")
def stack(idle_stack: Stack) -> Stack:
    """Give the whole stack, started."""
    idle_stack.start()
    return idle_stack


@pytest.fixture(scope="session")
def postgres(idle_stack: Stack) -> Postgres:
    """Give PostgreSQL, started; a test that stops or pauses it must bring it back."""
    idle_stack.start(only=["postgres"])
    return idle_stack.find(Postgres)


@pytest.fixture(scope="session")
def postgres_dsn_template(postgres: Postgres) -> str:
    """Give the URL of a migrated database that nothing connects to: databases are cloned from it."""
    from library_adapters.postgres.migrate import apply  # noqa: PLC0415 - only who needs a database needs the driver

    dsn = postgres.create_database(_TEMPLATE)
    apply(dsn)
    return dsn


@pytest.fixture
def database(postgres: Postgres, postgres_dsn_template: str) -> Iterator[str]:
    """Give the URL of a migrated, empty database that only this test uses."""
    name = f"test_{next(_databases)}"
    yield postgres.create_database(name, template=_name_of(postgres_dsn_template))
    postgres.drop_database(name)


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """Give the URL of a database without any schema, for tests of the migrations themselves."""
    name = f"empty_{next(_databases)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def redis_url(idle_stack: Stack) -> str:
    """Start Redis and give its URL."""
    idle_stack.start(only=["redis"])
    return idle_stack.find(Redis).url


@pytest.fixture(scope="session")
def kafka(idle_stack: Stack) -> Kafka:
    """Give the broker, started; a test that stops it takes every topic's messages away (they are in memory)."""
    idle_stack.start(only=["kafka"])
    return idle_stack.find(Kafka)


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka: Kafka) -> str:
    """Give the broker's host and port."""
    return kafka.bootstrap


@pytest.fixture
async def unique_topic(kafka: Kafka) -> str:
    """Give the name of an empty topic, 12 partitions, that only this test uses."""
    name = f"test-topic-{next(_topics)}"
    await asyncio.to_thread(kafka.create_topic, name)
    return name


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """Give a token issuer in this process: `mint(user, roles, **claims)`, its keys served at `jwks_url`."""
    port = State(tmp_path_factory.mktemp("issuer")).port("issuer")
    issuer = Issuer(make_key(), url=f"http://{LOOPBACK}:{port}")
    with serve(issuer, port=port, clients={"library-service": "secret-of-the-tests"}):
        yield issuer


def _name_of(dsn: str) -> str:
    return str(conninfo_to_dict(dsn)["dbname"])
