"""What our own read model of games promises."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

from builders import NOON, a_game, game_id
from contract.libraries import learn
from contract.worlds import World

from library_domain.catalog.model import Game, ProductType
from library_domain.catalog.ports import FETCH_METADATA


class TestGames:
    async def test_are_not_replaced_by_older_states_or_stubs(self, world: World) -> None:
        newer = a_game("Portal 2", version="3.0", event_at=NOON + timedelta(hours=1))
        await learn(world, newer)
        await learn(world, a_game("Portal 2", version="2.0"))
        await learn(world, Game(game_id=game_id("Portal 2"), event_at=NOON + timedelta(days=1)))

        known = await world.games.known([game_id("Portal 2"), game_id("absent")])

        assert known == {game_id("Portal 2"): newer}

    async def test_replace_stubs_even_with_an_older_time(self, world: World) -> None:
        await learn(world, Game(game_id=game_id("Portal 2"), event_at=NOON))
        await learn(world, a_game("Portal 2", event_at=NOON - timedelta(days=1)))

        known = await world.games.known([game_id("Portal 2")])

        assert known[game_id("Portal 2")].name == "Portal 2"

    async def test_stubs_end_as_the_one_that_tells_most_in_any_order(self, world: World) -> None:
        kind, base, other = ProductType.DLC, game_id("Portal"), game_id("Portal 2")
        stubs = [
            Game(game_id=game_id("?"), event_at=NOON, product_type=ProductType.APPLICATION),
            Game(game_id=game_id("?"), event_at=NOON, product_type=kind),
            Game(game_id=game_id("?"), event_at=NOON, product_type=kind, parent_game_id=base),
            Game(game_id=game_id("?"), event_at=NOON, product_type=kind, parent_game_id=other),
        ]
        for order in permutations(stubs):
            name = game_id(f"Art book {order}")
            for stub in order:
                await learn(world, replace(stub, game_id=name))

            known = await world.games.known([name])

            assert (known[name].product_type, known[name].parent_game_id) == (kind, min(base, other))

    async def test_queue_each_job_once(self, world: World) -> None:
        for _ in range(2):
            async with world.uow.begin() as tx:
                await tx.jobs.enqueue("catalog.fetch_metadata", ["b", "a"])

        assert await world.jobs() == {("catalog.fetch_metadata", "a"), ("catalog.fetch_metadata", "b")}


class TestForgottenStubs:
    async def test_are_those_that_no_job_asks_after(self, world: World) -> None:
        names = ("known", "asked for", "forgotten", "forgotten too")
        await learn(world, a_game("known"), *(Game(game_id=game_id(n), event_at=NOON) for n in names[1:]))
        async with world.uow.begin() as tx:
            await tx.jobs.enqueue(FETCH_METADATA, [str(game_id("asked for"))])
            await tx.jobs.enqueue("another.kind", [str(game_id("forgotten"))])

        found = await world.forgotten_stubs.find(limit=10)

        assert list(found) == sorted(game_id(name) for name in names[2:])
        assert list(await world.forgotten_stubs.find(limit=1)) == list(found)[:1]
