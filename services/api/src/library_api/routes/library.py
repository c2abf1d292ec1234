"""The caller's library (contract 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from typing import Annotated

import msgspec
from litestar import Request, Response, get, patch
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody, QueryParameter, SkipValidation

from library_api.application import Wired
from library_api.conditional import NO_STORE, VERSION, VERSIONED, cursor_prefix
from library_api.envelope import Success
from library_api.fields import fields_pattern, parse_fields, trim
from library_api.openapi import refusals
from library_api.parameters import acting_user, parse_game_id
from library_api.routes.library_query import ASKED, Asked, LibraryList, asked
from library_api.routes.paths import BASE, GAME, GamePath
from library_api.routes.shapes import Body, told
from library_api.strict_json import TEXT_PATTERN
from library_domain.library.errors import GameNotFound, InvalidCategory, LimitReached
from library_domain.library.model import MAX_CATEGORIES_PER_GAME, MAX_NOTES, Access
from library_domain.library.queries import CollectionSummary, LibraryItemDetail
from library_domain.library.use_cases.check_game_access import CheckGameAccess
from library_domain.library.use_cases.edit_item import EditItem
from library_domain.library.use_cases.list_collections import ListCollections
from library_domain.library.use_cases.list_library import ListLibrary
from library_domain.library.use_cases.show_item import ShowItem
from library_domain.shared.unset import Unset

ItemFields = Annotated[
    str | None,
    QueryParameter(
        description="Members of the game to show, divided by commas; all if it is left out.",
        schema_extra={"pattern": fields_pattern(LibraryItemDetail)},
    ),
]


class LibraryListAnswer(Success, frozen=True, kw_only=True):
    """A page of the library."""

    data: LibraryList


class LibraryItemAnswer(Success, frozen=True, kw_only=True):
    """One game of the library."""

    data: LibraryItemDetail


@dataclass(slots=True, kw_only=True)
class CollectionList:
    """The built-in collections."""

    items: Sequence[CollectionSummary]


class CollectionListAnswer(Success, frozen=True, kw_only=True):
    """The built-in collections with their counts."""

    data: CollectionList


class AccessAnswer(Success, frozen=True, kw_only=True):
    """Whether the game may be played now."""

    data: Access


class ItemPatch(Body, frozen=True, kw_only=True):
    """A merge patch: what it leaves out stays, null clears (details 3.4)."""

    is_hidden: bool | msgspec.UnsetType = msgspec.UNSET
    is_favorite: bool | msgspec.UnsetType = msgspec.UNSET
    categories: (
        Annotated[
            list[str],
            msgspec.Meta(
                description="Names of all its categories; those that do not exist yet are made.",
                max_length=MAX_CATEGORIES_PER_GAME,
                examples=[["Стратегии", "Co-op"]],
            ),
        ]
        | msgspec.UnsetType
        | None
    ) = msgspec.UNSET
    notes: (
        Annotated[str, msgspec.Meta(max_length=MAX_NOTES, pattern=TEXT_PATTERN, examples=["Пройти с другом"])]
        | msgspec.UnsetType
        | None
    ) = msgspec.UNSET


@get(
    BASE,
    opt={"operation": "library.list", VERSIONED: True},
    dependencies={"asked": Provide(asked, sync_to_thread=False)},
    summary="List the library",
    tags=["library"],
    responses=refusals(),
)
async def list_library(
    application: Wired,
    request: Request[object, object, State],
    asked: NamedDependency[SkipValidation[Asked]],
) -> LibraryListAnswer:
    """Return the games that the caller may play now and has not hidden, DLC under their games."""
    state = request.scope["state"]
    state[ASKED] = asked
    prefix = cursor_prefix(state[VERSION])
    me = acting_user()
    query = asked.query(user_id=me, prefix=prefix)
    found = await application.list_library(ListLibrary(user_id=me, query=query))
    return LibraryListAnswer(data=asked.answer(found, user_id=me, prefix=prefix))


@get(
    f"{BASE}/collections",
    opt={"operation": "collections.list", VERSIONED: True},
    summary="List the built-in collections",
    tags=["library"],
    responses=refusals(),
)
async def list_collections(application: Wired) -> CollectionListAnswer:
    """Return every built-in collection and how many games it shows."""
    items = await application.list_collections(ListCollections(user_id=acting_user()))
    return CollectionListAnswer(data=CollectionList(items=items))


@get(
    GAME,
    opt={"operation": "library.item", VERSIONED: True},
    summary="Show one game",
    tags=["library"],
    responses=refusals(GameNotFound),
)
async def show_item(
    application: Wired, game_id: GamePath, fields: ItemFields = None
) -> Response[LibraryItemAnswer]:
    """Return one game with everything that exists of it, accessible or not."""
    names = parse_fields(fields, LibraryItemDetail)
    item = await application.show_item(ShowItem(user_id=acting_user(), game_id=parse_game_id(game_id)))
    changed = format_datetime(item.updated_at.astimezone(UTC), usegmt=True)
    return Response(LibraryItemAnswer(data=trim(item, names)), headers={"Last-Modified": changed})


@patch(
    GAME,
    opt={"operation": "library.edit"},
    summary="Hide, favour, file or annotate a game",
    tags=["library"],
    responses=refusals(GameNotFound, InvalidCategory, LimitReached),
)
async def edit_item(application: Wired, game_id: GamePath, data: JSONBody[ItemPatch]) -> LibraryItemAnswer:
    """Change what the patch names and return the game as it is then."""
    categories = told(data.categories)
    item = await application.edit_item(
        EditItem(
            user_id=acting_user(),
            game_id=parse_game_id(game_id),
            is_hidden=told(data.is_hidden),
            is_favorite=told(data.is_favorite),
            categories=categories if isinstance(categories, Unset) else categories or (),
            notes=told(data.notes),
        )
    )
    return LibraryItemAnswer(data=item)


@get(
    [f"{path}/access" for path in GAME],
    opt={"operation": "library.access"},
    summary="May I play now?",
    tags=["library"],
    responses=refusals(GameNotFound),
)
async def check_access(application: Wired, game_id: GamePath) -> Response[AccessAnswer]:
    """Tell whether the caller may play the game now, by what right, or why not; of any game, known or not."""
    access = await application.check_game_access(
        CheckGameAccess(user_id=acting_user(), game_id=parse_game_id(game_id))
    )
    return Response(AccessAnswer(data=access), headers={"Cache-Control": NO_STORE})
