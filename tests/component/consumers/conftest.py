"""Settings of the processes under test."""

import os
from collections.abc import Callable

import pytest
from component.consumers.processes import Environment
from uuid_utils.compat import uuid7

from library_devstack.stack import Kafka


@pytest.fixture
def environment(unused_tcp_port_factory: Callable[[], int]) -> Environment:
    """Return settings under which nothing that the processes need is there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIBRARY_")}
    nowhere = unused_tcp_port_factory()
    return kept | {
        "LIBRARY_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{nowhere}",
        "LIBRARY_KAFKA__ENABLE_IDEMPOTENCE": "false",
        "LIBRARY_POSTGRES__DSN": f"postgresql://nobody@127.0.0.1:{nowhere}/none",
        "LIBRARY_CATALOG__ADDRESS": f"127.0.0.1:{nowhere}",
        "LIBRARY_CATALOG__TOKEN_URL": f"http://127.0.0.1:{nowhere}/token",
        "LIBRARY_CATALOG__CLIENT_ID": "library",
        "LIBRARY_CATALOG__CLIENT_SECRET": "secret",
        "LIBRARY_CONSUMERS__GROUP_ID": f"group-{uuid7()}",
        "LIBRARY_CONSUMERS__SESSION_TIMEOUT_SECONDS": "2",
        "LIBRARY_CONSUMERS__HEARTBEAT_INTERVAL_SECONDS": "0.5",
        "LIBRARY_CONSUMERS__WORKERS": "2",
        "LIBRARY_MANAGEMENT__PROBE_INTERVAL_SECONDS": "0.2",
    }


@pytest.fixture
def connected(environment: Environment, kafka: Kafka, database: str) -> Environment:
    """Return settings under which everything but Catalog is there."""
    return environment | {
        "LIBRARY_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap,
        "LIBRARY_POSTGRES__DSN": database,
    }
