"""The caller's library (contract 2)."""

from dataclasses import dataclass
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from library_api.application import Wired
from library_api.envelope import Success
from library_api.openapi import refusals
from library_api.parameters import parse_game_id
from library_domain.library.errors import GameNotFound
from library_domain.library.queries import LibraryItem, LibraryItemDetail
from library_domain.library.use_cases.list_library import ListLibrary
from library_domain.library.use_cases.show_item import ShowItem
from library_domain.shared.ids import UserId
from library_domain.shared.paging import MAX_LIMIT, MAX_OFFSET, Page

BASE = "/api/v1/library"

# The bounds are only published here; `Page` checks them.
Limit = Annotated[
    int,
    QueryParameter(description="How many items at most.", schema_extra={"minimum": 1, "maximum": MAX_LIMIT}),
]
Offset = Annotated[
    int,
    QueryParameter(description="How many items to skip.", schema_extra={"minimum": 0, "maximum": MAX_OFFSET}),
]
GamePath = Annotated[str, PathParameter(description="The game.", schema_extra={"format": "uuid"})]


@dataclass(slots=True, kw_only=True)
class LibraryList:
    """A part of the library, by name, and how many games the whole has."""

    items: list[LibraryItem]
    total: int
    limit: int
    offset: int


class LibraryListAnswer(Success, frozen=True, kw_only=True):
    """A page of the library."""

    data: LibraryList


class LibraryItemAnswer(Success, frozen=True, kw_only=True):
    """One game of the library."""

    data: LibraryItemDetail


@get(
    BASE,
    opt={"operation": "library.list"},
    summary="List the library",
    tags=["library"],
    responses=refusals(),
)
async def list_library(
    application: Wired, me: NamedDependency[UserId], limit: Limit = 20, offset: Offset = 0
) -> LibraryListAnswer:
    """Return the games that the caller may play now and has not hidden, by name, DLC under their games."""
    page = Page(limit=limit, offset=offset)
    found = await application.list_library(ListLibrary(user_id=me, page=page))
    return LibraryListAnswer(
        data=LibraryList(items=found.items, total=found.total, limit=page.limit, offset=page.offset)
    )


@get(
    [f"{BASE}/{{game_id:str}}", f"{BASE}/games/{{game_id:str}}"],
    opt={"operation": "library.item"},
    summary="Show one game",
    tags=["library"],
    responses=refusals(GameNotFound),
)
async def show_item(application: Wired, me: NamedDependency[UserId], game_id: GamePath) -> LibraryItemAnswer:
    """Return one game with everything that exists of it, accessible or not."""
    return LibraryItemAnswer(
        data=await application.show_item(ShowItem(user_id=me, game_id=parse_game_id(game_id)))
    )
