"""A library in memory, filled through the flow that fills it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from builders import a_dlc, a_game, a_purchase
from fakes.clock import FakeClock, SequentialIds
from fakes.library_reader import FakeLibraryReader
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork

from library_domain.flows.add_to_library import AddToLibraryHandler

Own = Callable[..., Awaitable[None]]


@pytest.fixture
def store() -> Store:
    games = (a_game("Portal 2"), a_dlc("Art book", of="Portal 2"), a_game("Half-Life"))
    return Store(games={game.game_id: game for game in games})


@pytest.fixture
def reader(store: Store) -> FakeLibraryReader:
    return FakeLibraryReader(store)


@pytest.fixture
def own(store: Store, clock: FakeClock, ids: SequentialIds) -> Own:
    """Make Alice own a game."""
    uow = FakeUnitOfWork(store, clock=clock, ids=ids)
    add = AddToLibraryHandler(uow=uow, clock=clock, ids=ids)

    async def own(game: str = "Portal 2", **overrides: Any) -> None:
        await add(a_purchase(game, **overrides))

    return own
