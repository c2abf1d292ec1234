"""What Catalog tells by events (contract 4.1, details 3.1); how it is kept is in tests/contract/test_read_model.py."""

from datetime import timedelta

import pytest
from builders import NOON, a_game, a_price, an_achievement, event_id
from fakes.clock import FakeClock, SequentialIds
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork

from library_domain.catalog.use_cases.change_price import ChangePrice, ChangePriceHandler
from library_domain.catalog.use_cases.update_achievement import UpdateAchievement, UpdateAchievementHandler
from library_domain.catalog.use_cases.update_game import UpdateGame, UpdateGameHandler


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def uow(store: Store, clock: FakeClock, ids: SequentialIds) -> FakeUnitOfWork:
    return FakeUnitOfWork(store, clock=clock, ids=ids)


async def test_a_game_is_news_once(uow: FakeUnitOfWork, store: Store) -> None:
    update, command = UpdateGameHandler(uow=uow), UpdateGame(game=a_game("Portal 2"))

    news = [(await update(command)).changed for _ in range(2)]

    assert news == [True, False]
    assert list(store.games.values()) == [command.game]


async def test_a_game_brings_its_price(uow: FakeUnitOfWork, store: Store) -> None:
    update, price = UpdateGameHandler(uow=uow), a_price("499.00")
    news = [
        (await update(UpdateGame(game=a_game("Portal 2"), price=price))).changed,
        (await update(UpdateGame(game=a_game("Portal 2"), price=price))).changed,
    ]

    assert news == [True, False]
    assert list(store.prices.values()) == [price]


async def test_an_old_description_may_bring_a_price_that_we_never_heard_of(
    uow: FakeUnitOfWork, store: Store
) -> None:
    update, price = UpdateGameHandler(uow=uow), a_price("499.00")
    newer = a_game("Portal 2", event_at=NOON + timedelta(hours=1), event_id=event_id("newer"))
    await update(UpdateGame(game=newer))

    result = await update(UpdateGame(game=a_game("Portal 2", version="old"), price=price))

    assert result.changed
    assert (list(store.games.values()), list(store.prices.values())) == ([newer], [price])


async def test_a_price_by_itself_and_with_its_game_is_one_price(uow: FakeUnitOfWork, store: Store) -> None:
    price = a_price("499.00")
    await UpdateGameHandler(uow=uow)(UpdateGame(game=a_game("Portal 2"), price=price))

    result = await ChangePriceHandler(uow=uow)(ChangePrice(price=price))

    assert not result.changed
    assert list(store.price_history.values()) == [price]


async def test_an_achievement_is_news_once(uow: FakeUnitOfWork, store: Store) -> None:
    update, command = UpdateAchievementHandler(uow=uow), UpdateAchievement(achievement=an_achievement())

    news = [(await update(command)).changed for _ in range(2)]

    assert news == [True, False]
    assert list(store.achievements.values()) == [command.achievement]
