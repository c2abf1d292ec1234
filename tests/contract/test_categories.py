"""What the repository of categories promises."""

import asyncio

import pytest
from builders import NOON, game_id
from contract.libraries import ALICE, LATER, file_under
from contract.worlds import World
from fakes.clock import FakeClock, SequentialIds

from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.library.errors import CategoryExists
from library_domain.library.queries import LibraryQuery
from library_domain.library.use_cases.create_category import CreateCategory, CreateCategoryHandler


class TestCategories:
    async def test_are_none_for_a_user_that_nobody_knows(self, world: World) -> None:
        async with world.uow.begin(ALICE) as tx:
            assert (await tx.categories.of(ALICE)).by_id == {}
        assert list(await world.reader.categories(ALICE, now=NOON)) == []

    async def test_come_back_as_they_were_saved(self, world: World, add: AddToLibraryHandler) -> None:
        await file_under(world, add, "RPG")
        async with world.uow.begin(ALICE) as tx:
            categories = await tx.categories.of(ALICE)
            edited = categories.edit(game_id("RPG"), name="Ролевые", color="#00ff00", now=LATER)
            await tx.categories.save(categories)
            tx.record(*categories.events)

        async with world.uow.begin(ALICE) as tx:
            kept = await tx.categories.of(ALICE)

        assert kept.by_id == {game_id("RPG"): edited}
        assert (kept.changed, kept.deleted, kept.events) == (set(), set(), [])
        assert (edited.created_at, edited.updated_at) == (NOON, LATER)

    async def test_leave_their_games_when_they_are_deleted(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        await file_under(world, add, "RPG")
        async with world.uow.begin(ALICE) as tx:
            categories = await tx.categories.of(ALICE)
            categories.delete(game_id("RPG"), now=NOON)
            categories.create("rpg", category_id=game_id("another"), now=NOON)
            await tx.categories.save(categories)
            tx.record(*categories.events)

        (item,) = (await world.reader.page(ALICE, LibraryQuery(), now=NOON)).items

        assert item.categories == []
        assert [each.id for each in await world.reader.categories(ALICE, now=NOON)] == [game_id("another")]

    async def test_of_one_name_are_made_once_by_twenty_at_once(
        self, world: World, clock: FakeClock, ids: SequentialIds
    ) -> None:
        create = CreateCategoryHandler(uow=world.uow, clock=clock, ids=ids)

        made = await asyncio.gather(
            *(create(CreateCategory(user_id=ALICE, name="RPG")) for _ in range(20)), return_exceptions=True
        )

        assert [each for each in made if not isinstance(each, CategoryExists)] == [
            *await world.reader.categories(ALICE, now=NOON)
        ]
        assert (len(made), await world.revision(ALICE)) == (20, 1)

    async def test_need_the_mutex(self, world: World) -> None:
        with pytest.raises(RuntimeError, match="mutex"):
            async with world.uow.begin() as tx:
                categories = await tx.categories.of(ALICE)
                categories.create("RPG", category_id=game_id("RPG"), now=NOON)
                await tx.categories.save(categories)
