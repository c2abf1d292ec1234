"""The user's categories, and which games are in them (contract 2; details 3.11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import JSONBody, PathParameter
from litestar.status_codes import HTTP_200_OK

from library_api.application import Wired
from library_api.conditional import VERSIONED
from library_api.envelope import Success
from library_api.openapi import refusals
from library_api.parameters import acting_user, parse_category_id, parse_game_id
from library_api.routes.paths import BASE, CategoryPath, GamePath
from library_api.routes.shapes import Body, NothingAnswer, told
from library_api.strict_json import TEXT_PATTERN, clean_text
from library_domain.library.errors import (
    CategoryExists,
    CategoryNotFound,
    GameNotFound,
    InvalidCategory,
    LimitReached,
)
from library_domain.library.queries import CategorySummary
from library_domain.library.use_cases.create_category import CreateCategory
from library_domain.library.use_cases.delete_category import DeleteCategory
from library_domain.library.use_cases.edit_category import EditCategory
from library_domain.library.use_cases.file_item import FileItem
from library_domain.library.use_cases.list_categories import ListCategories
from library_domain.library.use_cases.unfile_item import UnfileItem

CATEGORIES = f"{BASE}/categories"

Name = Annotated[
    str,
    msgspec.Meta(
        description="1 to 100 letters of any script, digits, spaces and `-_.&'`, a letter or digit among them.",
        examples=["Стратегии", "Strategies"],
    ),
]
Color = Annotated[str, msgspec.Meta(pattern="^#[0-9A-Fa-f]{6}$", examples=["#3366CC"])]
NamePath = Annotated[
    str,
    PathParameter(
        description="The category's name, in any case.",
        schema_extra={"minLength": 1, "maxLength": 100, "pattern": TEXT_PATTERN},
    ),
]


class NewCategory(Body, frozen=True, kw_only=True):
    """A category to be made."""

    name: Name
    color: Color | None = None


class CategoryPatch(Body, frozen=True, kw_only=True):
    """A merge patch: what it leaves out stays, null takes the colour away (details 3.4)."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    color: Color | msgspec.UnsetType | None = msgspec.UNSET


class Filing(Body, frozen=True, kw_only=True):
    """Where a game is to be filed."""

    category_name: Name


@dataclass(slots=True, kw_only=True)
class Filed:
    """The names of all categories of a game."""

    game_id: UUID
    categories: Sequence[str]


@dataclass(slots=True, kw_only=True)
class CategoryList:
    """All categories of the user, at most 200."""

    items: Sequence[CategorySummary]


class CategoryListAnswer(Success, frozen=True, kw_only=True):
    """The user's categories."""

    data: CategoryList


class CategoryAnswer(Success, frozen=True, kw_only=True):
    """One category."""

    data: CategorySummary


class FiledAnswer(Success, frozen=True, kw_only=True):
    """Where the game is filed now."""

    data: Filed


@get(
    CATEGORIES,
    opt={"operation": "categories.list", VERSIONED: True},
    summary="List the categories",
    tags=["categories"],
    responses=refusals(),
)
async def list_categories(application: Wired) -> CategoryListAnswer:
    """Return the caller's categories by name, with how many games each shows."""
    items = await application.list_categories(ListCategories(user_id=acting_user()))
    return CategoryListAnswer(data=CategoryList(items=items))


@post(
    CATEGORIES,
    opt={"operation": "categories.create"},
    summary="Make a category",
    tags=["categories"],
    responses=refusals(InvalidCategory, CategoryExists, LimitReached),
)
async def create_category(application: Wired, data: JSONBody[NewCategory]) -> Response[CategoryAnswer]:
    """Make a category and return it."""
    made = await application.create_category(
        CreateCategory(user_id=acting_user(), name=data.name, color=data.color)
    )
    return Response(CategoryAnswer(data=made), headers={"Location": f"{CATEGORIES}/{made.id}"})


@patch(
    f"{CATEGORIES}/{{category_id:str}}",
    opt={"operation": "categories.edit"},
    summary="Rename or recolour a category",
    tags=["categories"],
    responses=refusals(InvalidCategory, CategoryNotFound, CategoryExists),
)
async def edit_category(
    application: Wired, category_id: CategoryPath, data: JSONBody[CategoryPatch]
) -> CategoryAnswer:
    """Change what the patch names and return the category as it is then; its games stay in it."""
    edited = await application.edit_category(
        EditCategory(
            user_id=acting_user(),
            category_id=parse_category_id(category_id),
            name=told(data.name),
            color=told(data.color),
        )
    )
    return CategoryAnswer(data=edited)


@delete(
    f"{CATEGORIES}/{{category_id:str}}",
    opt={"operation": "categories.delete"},
    status_code=HTTP_200_OK,
    summary="Give up a category",
    tags=["categories"],
    responses=refusals(CategoryNotFound),
)
async def delete_category(application: Wired, category_id: CategoryPath) -> NothingAnswer:
    """Take a category away; its games stay in the library."""
    await application.delete_category(
        DeleteCategory(user_id=acting_user(), category_id=parse_category_id(category_id))
    )
    return NothingAnswer()


@post(
    f"{BASE}/games/{{game_id:str}}/categories",
    opt={"operation": "library.file"},
    status_code=HTTP_200_OK,
    summary="Put a game into a category",
    tags=["categories"],
    responses=refusals(GameNotFound, InvalidCategory, LimitReached),
)
async def file_item(application: Wired, game_id: GamePath, data: JSONBody[Filing]) -> FiledAnswer:
    """Put the game into the category, which is made on first use, and return all its categories."""
    game = parse_game_id(game_id)
    categories = await application.file_item(
        FileItem(user_id=acting_user(), game_id=game, category=data.category_name)
    )
    return FiledAnswer(data=Filed(game_id=game, categories=categories))


@delete(
    f"{BASE}/games/{{game_id:str}}/categories/{{name:str}}",
    opt={"operation": "library.unfile"},
    status_code=HTTP_200_OK,
    summary="Take a game out of a category",
    tags=["categories"],
    responses=refusals(GameNotFound, CategoryNotFound),
)
async def unfile_item(application: Wired, game_id: GamePath, name: NamePath) -> NothingAnswer:
    """Take the game out of the category, which stays, empty or not. Doing it again changes nothing."""
    await application.unfile_item(
        UnfileItem(user_id=acting_user(), game_id=parse_game_id(game_id), category=clean_text(name, "name"))
    )
    return NothingAnswer()
