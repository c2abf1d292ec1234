"""What Catalog's events leave in our read model, in any order and number (contract 4.1, data 22, details 3.1)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count, permutations
from uuid import UUID

import pytest
from builders import NOON, a_dlc, a_game, a_price, a_purchase, an_achievement, event_id, game_id
from contract.libraries import ALICE, epoch, learn, names
from contract.worlds import World
from fakes.clock import FakeClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from library_domain.catalog.model import Game, GamePrice, ProductType
from library_domain.catalog.use_cases.change_price import ChangePrice, ChangePriceHandler
from library_domain.catalog.use_cases.update_achievement import UpdateAchievement, UpdateAchievementHandler
from library_domain.catalog.use_cases.update_game import UpdateGame, UpdateGameHandler
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.library.queries import LibraryQuery
from library_domain.shared.money import Money

PORTAL = game_id("Portal 2")
HOUR = timedelta(hours=1)
_numbers = count(1)
# The world outlives an example; each example has a game of its own.
shared_world = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


class TestGames:
    @pytest.mark.parametrize("order", list(permutations(range(3))))
    async def test_end_as_the_newest_state_in_any_order(self, world: World, order: Sequence[int]) -> None:
        update = UpdateGameHandler(uow=world.uow)
        states = [
            a_game("Portal 2", version="1.0", event_id=UUID(int=9)),
            a_game("Portal 2", version="2.0", event_at=NOON + HOUR, event_id=UUID(int=1)),
            a_game("Portal 2", version="3.0", event_at=NOON + HOUR, event_id=UUID(int=2)),
        ]

        for number in (*order, *order):
            await update(UpdateGame(game=states[number]))

        assert await world.games.known([PORTAL]) == {PORTAL: states[2]}

    async def test_are_described_by_an_event_rather_than_by_an_answer_of_the_same_time(
        self, world: World
    ) -> None:
        told, asked = a_game(event_id=event_id("told"), version="told"), a_game(version="asked")

        for state in (asked, told, asked):
            await learn(world, state)

        assert await world.games.known([PORTAL]) == {PORTAL: told}

    async def test_stay_with_their_owners_when_catalog_deletes_them(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        await learn(world, a_game("Portal 2"))
        await add(a_purchase("Portal 2"))

        await UpdateGameHandler(uow=world.uow)(
            UpdateGame(game=a_game("Portal 2", event_at=NOON + HOUR, is_deleted=True))
        )

        assert await names(world, ALICE) == ["Portal 2"]
        assert (await world.games.known([PORTAL]))[PORTAL].is_deleted

    async def test_that_turn_out_to_be_dlc_leave_the_list_and_stand_under_their_game(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        await learn(world, a_game("Portal 2"))
        for name in ("Portal 2", "Art book"):
            await learn(world, Game(game_id=game_id(name), event_at=NOON))
            await add(a_purchase(name))
        assert await names(world, ALICE) == ["Portal 2", None]

        await UpdateGameHandler(uow=world.uow)(UpdateGame(game=a_dlc("Art book", of="Portal 2")))

        (item,) = (await world.reader.page(ALICE, LibraryQuery(), now=NOON)).items
        assert [part.name for part in item.dlc] == ["Art book"]
        assert await world.reader.owned_dlc(ALICE, PORTAL, now=NOON) == [game_id("Art book")]
        assert (await world.reader.rights(ALICE, game_id("Art book"))).parent_grants

    async def test_need_another_only_if_they_are_dlc(self, world: World, add: AddToLibraryHandler) -> None:
        await learn(world, a_game("Portal 2 VR", product_type=ProductType.GAME, parent_game_id=PORTAL))
        await add(a_purchase("Portal 2 VR"))

        rights = await world.reader.rights(ALICE, game_id("Portal 2 VR"))

        assert rights.parent_grants is None
        assert await world.reader.owned_dlc(ALICE, PORTAL, now=NOON) == []


class TestPrices:
    async def test_are_kept_with_all_that_was_told(self, world: World) -> None:
        price = a_price("499.00", valid_until=NOON + HOUR)

        assert (await ChangePriceHandler(uow=world.uow)(ChangePrice(price=price))).changed

        told = {
            "game_id": PORTAL,
            "currency": "RUB",
            "amount": Decimal("499.00"),
            "original_amount": Decimal("999.00"),
            "discount_percent": 50,
            "valid_from": NOON,
            "valid_until": NOON + HOUR,
            "event_at": NOON,
            "event_id": price.event_id,
        }
        assert await world.prices(PORTAL) == await world.price_history(PORTAL) == [told]

    async def test_are_apart_by_currency(self, world: World) -> None:
        dollars = Money(Decimal("9.99"), "USD")
        change = ChangePriceHandler(uow=world.uow)
        await change(ChangePrice(price=a_price("499.00")))

        await change(ChangePrice(price=replace(a_price(), amount=dollars, original_amount=dollars)))

        assert [(row["currency"], row["amount"]) for row in await world.prices(PORTAL)] == [
            ("RUB", Decimal("499.00")),
            ("USD", Decimal("9.99")),
        ]

    @given(
        told=st.lists(
            st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 3), st.sampled_from(["1", "2"])),
            max_size=6,
            unique_by=lambda each: each[:2],
        ),
        orders=st.data(),
    )
    @shared_world
    async def test_end_as_the_newest_and_all_of_them_in_any_order_and_number(
        self, world: World, told: list[tuple[int, int, int, str]], orders: st.DataObject
    ) -> None:
        game = game_id(f"priced {next(_numbers)}")
        prices = [
            a_price(
                amount,
                game_id=game,
                event_at=NOON + minute * HOUR,
                event_id=event_id(f"{minute} {number}"),
                valid_from=NOON + starts * HOUR,
            )
            for minute, number, starts, amount in told
        ]
        again = orders.draw(st.lists(st.sampled_from(prices), max_size=3) if prices else st.just([]))
        change = ChangePriceHandler(uow=world.uow)

        news = [
            (await change(ChangePrice(price=price))).changed
            for price in orders.draw(st.permutations([*prices, *again]))
        ]

        newest = max(prices, key=lambda price: (price.event_at, price.event_id), default=None)
        assert await world.prices(game) == ([row_of(newest)] if newest else [])
        assert await world.price_history(game) == [
            row_of(price) for price in sorted(prices, key=lambda price: (price.valid_from, price.event_id))
        ]
        assert sum(news) == len(prices)


def row_of(price: GamePrice) -> dict[str, object]:
    return {
        "game_id": price.game_id,
        "currency": price.currency,
        "amount": price.amount.amount,
        "original_amount": price.original_amount.amount,
        "discount_percent": price.discount_percent,
        "valid_from": price.valid_from,
        "valid_until": price.valid_until,
        "event_at": price.event_at,
        "event_id": price.event_id,
    }


class TestAchievements:
    @pytest.mark.parametrize("order", list(permutations(range(3))))
    async def test_end_as_the_newest_state_in_any_order(self, world: World, order: Sequence[int]) -> None:
        update = UpdateAchievementHandler(uow=world.uow)
        states = [
            an_achievement(event_id=UUID(int=9)),
            an_achievement(event_at=NOON + HOUR, event_id=UUID(int=1), is_deleted=True),
            an_achievement(
                event_at=NOON + HOUR,
                event_id=UUID(int=2),
                name="Глава первая",
                description=None,
                icon_url=None,
                is_hidden=True,
                server_granted=True,
                min_playtime_seconds=600,
            ),
        ]

        for number in (*order, *order):
            await update(UpdateAchievement(achievement=states[number]))

        (kept,) = await world.achievements(PORTAL)
        assert kept == {name: getattr(states[2], name) for name in kept}
        assert kept["name"] == "Глава первая"

    async def test_are_apart_by_game(self, world: World) -> None:
        update = UpdateAchievementHandler(uow=world.uow)
        for achievement in (an_achievement(), an_achievement(game_id=game_id("Braid"))):
            await update(UpdateAchievement(achievement=achievement))

        assert [len(await world.achievements(game)) for game in (PORTAL, game_id("Braid"))] == [1, 1]


class TestEpoch:
    @pytest.mark.parametrize("what", ["game", "price", "achievement"])
    async def test_moves_with_each_of_them_and_not_for_what_was_known(
        self, world: World, clock: FakeClock, what: str
    ) -> None:
        tell: Callable[[], Awaitable[object]] = {
            "game": lambda: UpdateGameHandler(uow=world.uow)(
                UpdateGame(game=a_game(event_id=event_id("game")))
            ),
            "price": lambda: ChangePriceHandler(uow=world.uow)(
                ChangePrice(price=a_price(event_id=event_id("price")))
            ),
            "achievement": lambda: UpdateAchievementHandler(uow=world.uow)(
                UpdateAchievement(achievement=an_achievement(event_id=event_id("achievement")))
            ),
        }[what]
        clock.advance(HOUR)
        before = await epoch(world, clock.now() + HOUR)

        await tell()
        moved = await epoch(world, clock.now() + HOUR)
        clock.advance(HOUR)
        await tell()

        assert moved == before + 1
        assert await epoch(world, clock.now() + HOUR) == moved

    async def test_moves_once_for_a_game_and_its_price(self, world: World, clock: FakeClock) -> None:
        before = await epoch(world, clock.now() + HOUR)

        await UpdateGameHandler(uow=world.uow)(UpdateGame(game=a_game(), price=a_price()))

        assert await epoch(world, clock.now() + HOUR) == before + 1
