"""Before a game is owned it has a row, whatever Catalog says or does not say (contract 4.1)."""

import pytest
from builders import NOON, a_dlc, a_game, game_id
from fakes.clock import FakeClock, SequentialIds
from fakes.games import FakeCatalog, FakeGameReader
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork

from library_domain.catalog.model import Game, ProductType
from library_domain.catalog.ports import FETCH_METADATA
from library_domain.catalog.use_cases.learn_games import LearnGames, LearnGamesHandler, LearnGamesResult

PORTAL = game_id("Portal 2")
ART_BOOK = game_id("Art book")


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def catalog() -> FakeCatalog:
    return FakeCatalog(a_game("Portal 2"), a_dlc("Art book", of="Portal 2"))


@pytest.fixture
def learn(store: Store, catalog: FakeCatalog, clock: FakeClock, ids: SequentialIds) -> LearnGamesHandler:
    return LearnGamesHandler(
        reader=FakeGameReader(store),
        catalog=catalog,
        uow=FakeUnitOfWork(store, clock=clock, ids=ids),
        clock=clock,
    )


def jobs_for(*names: str) -> set[tuple[str, str]]:
    return {(FETCH_METADATA, str(game_id(name))) for name in names}


async def test_what_catalog_describes_is_kept(learn: LearnGamesHandler, store: Store) -> None:
    result = await learn(LearnGames(game_id=PORTAL, dlc=(ART_BOOK,)))

    assert result == LearnGamesResult(learned=2, stubs=0)
    assert store.games == {PORTAL: a_game("Portal 2"), ART_BOOK: a_dlc("Art book", of="Portal 2")}
    assert store.jobs == {}


async def test_what_we_know_is_not_asked_for(
    learn: LearnGamesHandler, catalog: FakeCatalog, store: Store
) -> None:
    store.games[PORTAL] = a_game("Portal 2")

    result = await learn(LearnGames(game_id=PORTAL))

    assert result == LearnGamesResult(learned=0, stubs=0)
    assert catalog.questions == []


async def test_only_what_we_do_not_know_is_asked_for(
    learn: LearnGamesHandler, catalog: FakeCatalog, store: Store
) -> None:
    store.games[PORTAL] = a_game("Portal 2")

    await learn(LearnGames(game_id=PORTAL, dlc=(ART_BOOK, ART_BOOK)))

    assert catalog.questions == [(ART_BOOK,)]


async def test_a_stub_is_known_and_left_to_its_job(
    learn: LearnGamesHandler, catalog: FakeCatalog, store: Store
) -> None:
    store.games[PORTAL] = Game(game_id=PORTAL, event_at=NOON)

    await learn(LearnGames(game_id=PORTAL))

    assert catalog.questions == []


async def test_without_catalog_stubs_stand_in_and_jobs_ask_later(
    learn: LearnGamesHandler, catalog: FakeCatalog, store: Store, clock: FakeClock
) -> None:
    catalog.away = True

    result = await learn(LearnGames(game_id=PORTAL, dlc=(ART_BOOK,)))

    assert result == LearnGamesResult(learned=0, stubs=2)
    assert store.games == {
        PORTAL: Game(game_id=PORTAL, event_at=clock.now()),
        ART_BOOK: Game(
            game_id=ART_BOOK, event_at=clock.now(), product_type=ProductType.DLC, parent_game_id=PORTAL
        ),
    }
    assert store.jobs.keys() == jobs_for("Portal 2", "Art book")


async def test_a_game_that_catalog_does_not_know_is_a_stub_beside_those_it_knows(
    learn: LearnGamesHandler, store: Store
) -> None:
    nobody_knows = game_id("nobody knows it")

    result = await learn(LearnGames(game_id=PORTAL, dlc=(nobody_knows,)))

    assert result == LearnGamesResult(learned=1, stubs=1)
    assert store.games[nobody_knows].is_stub
    assert store.jobs.keys() == jobs_for("nobody knows it")


@pytest.mark.parametrize(
    ("declared", "kept"),
    [(None, ProductType.GAME), (ProductType.APPLICATION, ProductType.APPLICATION)],
)
async def test_a_stub_is_what_the_purchase_says_it_is(
    learn: LearnGamesHandler,
    catalog: FakeCatalog,
    store: Store,
    declared: ProductType | None,
    kept: ProductType,
) -> None:
    catalog.away = True

    await learn(LearnGames(game_id=PORTAL, product_type=declared))

    assert store.games[PORTAL].product_type is kept


async def test_a_game_that_is_named_among_its_own_dlc_is_no_dlc_of_itself(
    learn: LearnGamesHandler, catalog: FakeCatalog, store: Store
) -> None:
    catalog.away = True

    await learn(LearnGames(game_id=PORTAL, dlc=(PORTAL,)))

    assert (store.games[PORTAL].product_type, store.games[PORTAL].parent_game_id) == (ProductType.GAME, None)


async def test_a_purchase_that_says_more_of_a_stub_than_the_one_before_is_heard(
    learn: LearnGamesHandler, catalog: FakeCatalog, store: Store
) -> None:
    catalog.away = True
    await learn(LearnGames(game_id=ART_BOOK))

    result = await learn(LearnGames(game_id=PORTAL, dlc=(ART_BOOK,)))
    repeated = await learn(LearnGames(game_id=PORTAL, dlc=(ART_BOOK,)))

    assert (result.stubs, repeated.stubs) == (2, 0)
    assert store.games[ART_BOOK].product_type is ProductType.DLC
    assert store.games[ART_BOOK].parent_game_id == PORTAL


async def test_a_purchase_that_says_less_of_a_stub_changes_nothing(
    learn: LearnGamesHandler, catalog: FakeCatalog, store: Store
) -> None:
    catalog.away = True
    await learn(LearnGames(game_id=PORTAL, dlc=(ART_BOOK,)))
    before = dict(store.games)

    result = await learn(LearnGames(game_id=ART_BOOK))

    assert result == LearnGamesResult(learned=0, stubs=0)
    assert store.games == before
