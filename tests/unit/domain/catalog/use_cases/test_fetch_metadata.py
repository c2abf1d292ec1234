"""A game that was added without a name gets one (contract 4.1, data 21)."""

import pytest
from builders import NOON, a_game, game_id
from fakes.clock import FakeClock, SequentialIds
from fakes.games import FakeCatalog, FakeGameReader
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork

from library_domain.catalog.model import Game
from library_domain.catalog.use_cases.fetch_metadata import (
    FetchMetadata,
    FetchMetadataHandler,
    FetchMetadataResult,
)
from library_domain.shared.errors import DependencyUnavailable

PORTAL = game_id("Portal 2")
COMMAND = FetchMetadata(game_id=PORTAL)


@pytest.fixture
def store() -> Store:
    return Store(games={PORTAL: Game(game_id=PORTAL, event_at=NOON)})


@pytest.fixture
def catalog() -> FakeCatalog:
    return FakeCatalog(a_game("Portal 2"))


@pytest.fixture
def fetch(store: Store, catalog: FakeCatalog, clock: FakeClock, ids: SequentialIds) -> FetchMetadataHandler:
    return FetchMetadataHandler(
        reader=FakeGameReader(store), catalog=catalog, uow=FakeUnitOfWork(store, clock=clock, ids=ids)
    )


async def test_a_stub_is_filled(fetch: FetchMetadataHandler, store: Store) -> None:
    assert await fetch(COMMAND) == FetchMetadataResult(is_known=True)

    assert store.games == {PORTAL: a_game("Portal 2")}


async def test_a_game_without_even_a_stub_is_kept(fetch: FetchMetadataHandler, store: Store) -> None:
    store.games.clear()

    assert await fetch(COMMAND) == FetchMetadataResult(is_known=True)

    assert store.games == {PORTAL: a_game("Portal 2")}


async def test_what_was_told_meanwhile_is_not_asked_for(
    fetch: FetchMetadataHandler, store: Store, catalog: FakeCatalog
) -> None:
    store.games[PORTAL] = a_game("Portal 2", version="2.2")

    assert await fetch(COMMAND) == FetchMetadataResult(is_known=True)

    assert catalog.questions == []
    assert store.games[PORTAL].version == "2.2"


async def test_what_catalog_does_not_know_stays_a_stub(
    fetch: FetchMetadataHandler, store: Store, catalog: FakeCatalog
) -> None:
    catalog.described.clear()

    assert await fetch(COMMAND) == FetchMetadataResult(is_known=False)

    assert store.games[PORTAL].is_stub


async def test_without_catalog_nothing_is_known(fetch: FetchMetadataHandler, catalog: FakeCatalog) -> None:
    catalog.away = True

    with pytest.raises(DependencyUnavailable):
        await fetch(COMMAND)
