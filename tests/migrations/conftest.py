"""The servers that migrations are tried on, and a look at what they make of a database."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from servers import SERVERS

from library_devstack.stack import Postgres

ROOT = Path(__file__).parents[2]

Dump = Callable[[str], str]


@pytest.fixture(scope="session")
def dump() -> Dump:
    """Give the function by which schema.sql is made: a database's schema as text."""
    return _load(ROOT / "tools/checks/schema.py").dump  # type: ignore[no-any-return]


def _load(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=SERVERS)
def any_empty_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of a database without any schema, on each server that we promise to run on."""
    server: Postgres = request.getfixturevalue(request.param)
    yield server.create_database("migrated")
    server.drop_database("migrated")
