"""A house of its own for each test: it is broken on purpose, and everything that it ever did is compared."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chaos.ledger import keep_evidence
from e2e.house import House, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, before_start=keep_evidence) as house:
        yield house


@pytest.fixture
async def cold_house(tmp_path: Path) -> AsyncIterator[House]:
    """A house in which nothing runs yet."""
    async with open_house(tmp_path, deployables=()) as house:
        yield house
