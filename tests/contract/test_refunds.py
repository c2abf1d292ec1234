"""What the repository of refunds promises."""

from datetime import timedelta

import pytest
from builders import NOON, a_purchase, event_id, game_id, user_id
from contract.libraries import ALICE
from contract.worlds import World

from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.library.model import Refund, Refunds
from library_domain.shared.ids import GameId, UserId

HOUR = timedelta(hours=1)
PORTAL, RANGERS = game_id("Portal 2"), game_id("Rangers")


async def take(world: World, *games: GameId, hours: int = 0, user: UserId = ALICE) -> None:
    async with world.uow.begin(user) as tx:
        refunds = await tx.refunds.of(user, "t-1")
        refunds.take(games, event_time=NOON + hours * HOUR, event_id=event_id(f"{hours}"), now=NOON)
        await tx.refunds.save(refunds)
        tx.record(*refunds.events)


async def known(world: World, user: UserId = ALICE, transaction: str = "t-1") -> Refunds:
    async with world.uow.begin(user) as tx:
        return await tx.refunds.of(user, transaction)


async def test_nothing_is_known_of_most_transactions(world: World) -> None:
    assert await known(world) == Refunds(user_id=ALICE, transaction_id="t-1", by_game={})


async def test_they_come_back_as_they_were_saved(world: World) -> None:
    await take(world, PORTAL, hours=1)
    await take(world, hours=2)

    kept = await known(world)

    assert kept.by_game == {
        PORTAL: Refund(event_time=NOON + HOUR, event_id=event_id("1")),
        None: Refund(event_time=NOON + 2 * HOUR, event_id=event_id("2")),
    }
    assert (kept.changed, kept.events) == (set(), [])


async def test_the_earliest_of_one_product_stays(world: World) -> None:
    for hours in (2, 1, 3):
        await take(world, PORTAL, RANGERS, hours=hours)

    assert {refund.event_time for refund in (await known(world)).by_game.values()} == {NOON + HOUR}
    assert await world.revision(ALICE) == 2


async def test_they_are_one_users_and_one_transactions(world: World) -> None:
    await take(world, PORTAL)

    assert (await known(world, user_id("bob"))).by_game == {}
    assert (await known(world, transaction="t-2")).by_game == {}


async def test_they_need_the_mutex(world: World) -> None:
    refunds = await known(world)
    refunds.take((), event_time=NOON, event_id=event_id("refund"), now=NOON)

    with pytest.raises(RuntimeError, match="mutex"):
        async with world.uow.begin() as tx:
            await tx.refunds.save(refunds)


async def test_products_of_a_transaction_are_found(world: World, add: AddToLibraryHandler) -> None:
    await add(a_purchase("Portal 2", transaction_id="t-1", dlc=(game_id("Art book"),)))
    await add(a_purchase("Rangers", transaction_id="t-2"))
    await add(a_purchase("Rangers", transaction_id="t-1", by="bob"))

    async with world.uow.begin(ALICE) as tx:
        given = await tx.library.games_of(ALICE, "t-1")
        none = await tx.library.games_of(ALICE, "t-3")

    assert given == tuple(sorted((PORTAL, game_id("Art book"))))
    assert none == ()
