"""The user's categories and the built-in collections."""

from dataclasses import astuple
from datetime import timedelta

import pytest
from builders import game_id, user_id
from fakes.accounts import FakeAccounts
from fakes.clock import FakeClock, SequentialIds
from fakes.library_reader import FakeLibraryReader
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork
from unit.domain.library.use_cases.conftest import Own

from library_domain.library.errors import CategoryNotFound
from library_domain.library.queries import CategorySummary, Collection
from library_domain.library.use_cases.create_category import CreateCategory, CreateCategoryHandler
from library_domain.library.use_cases.delete_category import DeleteCategory, DeleteCategoryHandler
from library_domain.library.use_cases.edit_category import EditCategory, EditCategoryHandler
from library_domain.library.use_cases.file_item import FileItem, FileItemHandler
from library_domain.library.use_cases.list_categories import ListCategories, ListCategoriesHandler
from library_domain.library.use_cases.list_collections import ListCollections, ListCollectionsHandler
from library_domain.library.use_cases.list_users_library import ListUsersLibrary, ListUsersLibraryHandler
from library_domain.library.use_cases.show_item import ShowItem, ShowItemHandler
from library_domain.library.use_cases.show_version import ShowVersion, ShowVersionHandler
from library_domain.shared.ids import UserId
from library_domain.shared.looks import Looks

ALICE, BOB, SUPPORT = user_id("alice"), user_id("bob"), user_id("support")


@pytest.fixture
def uow(store: Store, clock: FakeClock, ids: SequentialIds) -> FakeUnitOfWork:
    return FakeUnitOfWork(store, clock=clock, ids=ids)


@pytest.fixture
def create(uow: FakeUnitOfWork, clock: FakeClock, ids: SequentialIds) -> CreateCategoryHandler:
    return CreateCategoryHandler(uow=uow, clock=clock, ids=ids)


@pytest.fixture
async def rpg(
    create: CreateCategoryHandler, uow: FakeUnitOfWork, own: Own, clock: FakeClock, ids: SequentialIds
) -> CategorySummary:
    """Make Alice a category with one game in it."""
    await own("Portal 2")
    category = await create(CreateCategory(user_id=ALICE, name="RPG"))
    await FileItemHandler(uow=uow, clock=clock, ids=ids)(
        FileItem(user_id=ALICE, game_id=game_id("Portal 2"), category="RPG")
    )
    return category


async def test_a_category_is_made_once_and_shown_with_its_count(
    rpg: CategorySummary, create: CreateCategoryHandler, reader: FakeLibraryReader, clock: FakeClock
) -> None:
    empty = await create(CreateCategory(user_id=ALICE, name="Избранное", color="#ff0000"))

    shown = await ListCategoriesHandler(reader=reader, clock=clock)(ListCategories(user_id=ALICE))

    assert [(each.id, each.name, each.color, each.items_count) for each in shown] == [
        (rpg.id, "RPG", None, 1),
        (empty.id, "Избранное", "#ff0000", 0),
    ]
    assert astuple(empty) == astuple(shown[1])


async def test_a_renamed_category_keeps_its_games(
    rpg: CategorySummary, uow: FakeUnitOfWork, reader: FakeLibraryReader, clock: FakeClock
) -> None:
    clock.advance(timedelta(hours=1))

    edited = await EditCategoryHandler(uow=uow, reader=reader, clock=clock)(
        EditCategory(user_id=ALICE, category_id=rpg.id, name="Ролевые")
    )

    item = await ShowItemHandler(reader=reader, clock=clock)(
        ShowItem(user_id=ALICE, game_id=game_id("Portal 2"))
    )
    assert (edited.id, edited.items_count, edited.updated_at) == (rpg.id, 1, clock.now())
    assert item.categories == ["Ролевые"]


async def test_a_deleted_category_leaves_its_games(
    rpg: CategorySummary, uow: FakeUnitOfWork, reader: FakeLibraryReader, clock: FakeClock
) -> None:
    await DeleteCategoryHandler(uow=uow, clock=clock)(DeleteCategory(user_id=ALICE, category_id=rpg.id))

    item = await ShowItemHandler(reader=reader, clock=clock)(
        ShowItem(user_id=ALICE, game_id=game_id("Portal 2"))
    )
    assert item.categories == []


async def test_anothers_category_is_as_absent_as_one_that_does_not_exist(
    rpg: CategorySummary, uow: FakeUnitOfWork, reader: FakeLibraryReader, clock: FakeClock
) -> None:
    with pytest.raises(CategoryNotFound):
        await DeleteCategoryHandler(uow=uow, clock=clock)(DeleteCategory(user_id=BOB, category_id=rpg.id))
    with pytest.raises(CategoryNotFound):
        await EditCategoryHandler(uow=uow, reader=reader, clock=clock)(
            EditCategory(user_id=BOB, category_id=rpg.id, name="mine now")
        )


async def test_every_built_in_collection_is_counted(
    rpg: CategorySummary, reader: FakeLibraryReader, clock: FakeClock
) -> None:
    shown = await ListCollectionsHandler(reader=reader, clock=clock)(ListCollections(user_id=ALICE))

    assert [(each.name, each.count) for each in shown] == [
        (name, 1 if name is Collection.UNPLAYED else 0) for name in Collection
    ]


@pytest.mark.parametrize(("asked_by", "audited"), [(SUPPORT, ["read_other"]), (ALICE, [])])
async def test_a_look_at_anothers_library_is_audited_and_changes_nothing(
    *,
    asked_by: UserId,
    audited: list[str],
    store: Store,
    uow: FakeUnitOfWork,
    reader: FakeLibraryReader,
    clock: FakeClock,
    own: Own,
) -> None:
    await own("Portal 2")
    version = ShowVersionHandler(reader=reader, clock=clock)
    before = await version(ShowVersion(user_id=ALICE))

    looks = Looks(accounts=FakeAccounts(), uow=uow, clock=clock)
    page = await ListUsersLibraryHandler(reader=reader, looks=looks, clock=clock)(
        ListUsersLibrary(user_id=ALICE, asked_by=asked_by)
    )

    assert page.total == 1
    assert [row["action"] for row in store.audit[1:]] == audited
    assert await version(ShowVersion(user_id=ALICE)) == before
