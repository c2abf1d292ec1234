"""The caller's library: a page of it, and one game."""

import pytest
from builders import game_id, user_id
from fakes.clock import FakeClock
from fakes.library_reader import FakeLibraryReader
from unit.domain.library.use_cases.conftest import Own

from library_domain.library.errors import GameNotFound
from library_domain.library.queries import LibraryQuery
from library_domain.library.use_cases.list_library import ListLibrary, ListLibraryHandler
from library_domain.library.use_cases.show_item import ShowItem, ShowItemHandler
from library_domain.shared.paging import Page

ALICE = user_id("alice")


async def test_a_page_is_the_part_that_was_asked_for(
    reader: FakeLibraryReader, clock: FakeClock, own: Own
) -> None:
    await own("Portal 2")
    await own("Half-Life")
    await own("Portal 2", by="bob")

    page = await ListLibraryHandler(reader=reader, clock=clock)(
        ListLibrary(user_id=ALICE, query=LibraryQuery(page=Page(limit=1, offset=1)))
    )

    assert ([item.name for item in page.items], page.total) == (["Portal 2"], 2)


async def test_an_item_is_shown_with_its_verdict(
    reader: FakeLibraryReader, clock: FakeClock, own: Own
) -> None:
    await own("Portal 2")

    item = await ShowItemHandler(reader=reader, clock=clock)(
        ShowItem(user_id=ALICE, game_id=game_id("Portal 2"))
    )

    assert (item.name, item.access.allowed) == ("Portal 2", True)


async def test_a_game_that_the_user_never_had_is_not_found(
    reader: FakeLibraryReader, clock: FakeClock, own: Own
) -> None:
    await own("Portal 2", by="bob")

    with pytest.raises(GameNotFound) as missing:
        await ShowItemHandler(reader=reader, clock=clock)(
            ShowItem(user_id=ALICE, game_id=game_id("Portal 2"))
        )
    assert missing.value.details == {"game_id": game_id("Portal 2")}
