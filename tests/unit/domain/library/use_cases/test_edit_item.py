"""What the user makes of a game: hidden, favourite, notes, categories."""

from typing import Any

import pytest
from builders import game_id, user_id
from fakes.clock import FakeClock, SequentialIds
from fakes.library_reader import FakeLibraryReader
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork
from unit.domain.library.use_cases.conftest import Own

from library_domain.library.errors import CategoryNotFound, GameNotFound, InvalidCategory, LimitReached
from library_domain.library.queries import LibraryItemDetail
from library_domain.library.use_cases.edit_item import EditItem, EditItemHandler
from library_domain.library.use_cases.file_item import FileItem, FileItemHandler
from library_domain.library.use_cases.unfile_item import UnfileItem, UnfileItemHandler
from library_domain.shared.errors import ValidationFailed

ALICE = user_id("alice")


class Desk:
    """Alice at her library, which has Portal 2."""

    def __init__(
        self, uow: FakeUnitOfWork, reader: FakeLibraryReader, clock: FakeClock, ids: SequentialIds
    ) -> None:
        self.store = uow.store
        self._edit = EditItemHandler(uow=uow, reader=reader, clock=clock, ids=ids)
        self._file = FileItemHandler(uow=uow, clock=clock, ids=ids)
        self._unfile = UnfileItemHandler(uow=uow, clock=clock)

    @property
    def revision(self) -> int:
        return self.store.users[ALICE].revision

    def news(self) -> list[str]:
        """Return what was audited since the purchase."""
        return [row["action"] for row in self.store.audit[1:]]

    async def edit(self, game: str = "Portal 2", **changes: Any) -> LibraryItemDetail:
        return await self._edit(EditItem(user_id=ALICE, game_id=game_id(game), **changes))

    async def file(self, category: str, game: str = "Portal 2") -> list[str]:
        return list(await self._file(FileItem(user_id=ALICE, game_id=game_id(game), category=category)))

    async def unfile(self, category: str, game: str = "Portal 2") -> list[str]:
        return list(await self._unfile(UnfileItem(user_id=ALICE, game_id=game_id(game), category=category)))


@pytest.fixture
async def desk(
    store: Store, reader: FakeLibraryReader, clock: FakeClock, ids: SequentialIds, own: Own
) -> Desk:
    await own("Portal 2")
    return Desk(FakeUnitOfWork(store, clock=clock, ids=ids), reader, clock, ids)


class TestEdit:
    async def test_changes_everything_at_once(self, desk: Desk) -> None:
        item = await desk.edit(is_hidden=True, is_favorite=True, notes="моя", categories=["RPG", "Избранное"])

        assert (item.is_hidden, item.is_favorite, item.notes) == (True, True, "моя")
        assert item.categories == ["RPG", "Избранное"]
        assert desk.news() == ["create_category", "create_category", "update_game", "hide_game"]
        assert desk.revision == 2

    async def test_publishes_which_members_changed_but_not_the_note(self, desk: Desk) -> None:
        await desk.edit(is_favorite=True, notes="secret", categories=["RPG"])

        (message,) = desk.store.outbox[1:]
        assert message.event_type == "library.game.updated"
        assert b'"changes":["is_favorite","notes","categories"]' in message.payload
        assert b"secret" not in message.payload

    async def test_publishes_hiding_and_showing(self, desk: Desk) -> None:
        await desk.edit(is_hidden=True)
        await desk.edit(is_hidden=False)

        assert [message.event_type for message in desk.store.outbox[1:]] == ["library.game.hidden"] * 2
        assert b'"is_hidden":false' in desk.store.outbox[-1].payload

    async def test_leaves_alone_what_is_not_named(self, desk: Desk) -> None:
        await desk.edit(is_favorite=True, notes="keep", categories=["RPG"])

        item = await desk.edit(is_hidden=True)

        assert (item.is_favorite, item.notes, item.categories) == (True, "keep", ["RPG"])

    @pytest.mark.parametrize("notes", [None, ""])
    async def test_clears_notes(self, desk: Desk, notes: str | None) -> None:
        await desk.edit(notes="gone soon")

        assert (await desk.edit(notes=notes)).notes is None

    async def test_of_nothing_changes_nothing(self, desk: Desk) -> None:
        await desk.edit(is_favorite=True, categories=["RPG"])
        revision, news = desk.revision, desk.news()

        await desk.edit()
        await desk.edit(is_favorite=True, is_hidden=False, notes=None, categories=["rpg"])

        assert (desk.revision, desk.news()) == (revision, news)

    async def test_replaces_categories_and_names_each_once(self, desk: Desk) -> None:
        await desk.edit(categories=["RPG"])

        item = await desk.edit(categories=["Стратегии", "СТРАТЕГИИ"])

        assert item.categories == ["Стратегии"]
        assert len(desk.store.categories[ALICE]) == 2

    async def test_refuses_a_game_that_the_user_never_had(self, desk: Desk) -> None:
        with pytest.raises(GameNotFound):
            await desk.edit("Half-Life", is_hidden=True)

    async def test_refuses_notes_that_are_too_long(self, desk: Desk) -> None:
        with pytest.raises(ValidationFailed) as refused:
            await desk.edit(notes="x" * 4_001)

        assert refused.value.details["field"] == "notes"

    async def test_refuses_as_a_whole(self, desk: Desk) -> None:
        with pytest.raises(LimitReached):
            await desk.edit(is_favorite=True, categories=[f"category {n}" for n in range(21)])
        with pytest.raises(InvalidCategory) as refused:
            await desk.edit(is_favorite=True, categories=["good", "."])

        assert refused.value.details["field"] == "categories[1]"
        assert (desk.news(), desk.store.categories.get(ALICE)) == ([], None)


class TestFile:
    async def test_makes_the_category_on_first_use(self, desk: Desk) -> None:
        assert await desk.file("RPG") == ["RPG"]
        assert await desk.file("Избранное") == ["RPG", "Избранное"]

    async def test_again_changes_nothing(self, desk: Desk) -> None:
        await desk.file("RPG")
        revision = desk.revision

        assert await desk.file(" rpg ") == ["RPG"]
        assert desk.revision == revision

    async def test_refuses_the_twenty_first(self, desk: Desk) -> None:
        await desk.edit(categories=[f"category {n}" for n in range(20)])

        with pytest.raises(LimitReached):
            await desk.file("one more")

    async def test_refuses_a_game_that_the_user_never_had(self, desk: Desk) -> None:
        with pytest.raises(GameNotFound):
            await desk.file("RPG", "Half-Life")


class TestUnfile:
    async def test_takes_the_game_out_and_keeps_the_category(self, desk: Desk) -> None:
        await desk.edit(categories=["RPG", "Избранное"])

        assert await desk.unfile("rpg") == ["Избранное"]
        assert await desk.unfile("rpg") == ["Избранное"]
        assert len(desk.store.categories[ALICE]) == 2

    async def test_refuses_a_name_that_no_category_has(self, desk: Desk) -> None:
        with pytest.raises(CategoryNotFound):
            await desk.unfile("RPG")

    async def test_refuses_a_game_that_the_user_never_had(self, desk: Desk) -> None:
        with pytest.raises(GameNotFound):
            await desk.unfile("RPG", "Half-Life")
