"""What support and admin may see of others, read only and audited (contract 2 and 3; data 12)."""

from litestar import Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from library_api.application import Wired
from library_api.conditional import NO_STORE, cursor_prefix
from library_api.openapi import refusals
from library_api.parameters import acting_user, parse_user_id
from library_api.routes.library import LibraryListAnswer
from library_api.routes.library_query import Asked, asked
from library_api.routes.paths import BASE, UserPath
from library_api.routes.playtime import StatsAnswer
from library_api.routes.span import AskedStats, asked_stats
from library_domain.library.use_cases.list_users_library import ListUsersLibrary
from library_domain.library.use_cases.show_version import ShowVersion
from library_domain.playtime.use_cases.show_users_stats import ShowUsersStats
from library_domain.shared.errors import UserNotFound


@get(
    [f"{BASE}/users/{{user_id:str}}/library", "/api/v1/users/{user_id:str}/library"],
    opt={"operation": "users.library"},
    dependencies={"asked": Provide(asked, sync_to_thread=False)},
    summary="List another user's library",
    tags=["users"],
    responses=refusals(UserNotFound),  # and for what is no id: the same code
)
async def list_users_library(
    application: Wired,
    user_id: UserPath,
    asked: NamedDependency[SkipValidation[Asked]],
) -> Response[LibraryListAnswer]:
    """Return the library as its owner sees it; empty for a user without games, 404 for one whom Account does not know.

    The read is audited.
    """
    user = parse_user_id(user_id)
    prefix = cursor_prefix(await application.show_version(ShowVersion(user_id=user)))
    query = asked.query(user_id=user, prefix=prefix)
    found = await application.list_users_library(
        ListUsersLibrary(user_id=user, asked_by=acting_user(), query=query)
    )
    answer = LibraryListAnswer(data=asked.answer(found, user_id=user, prefix=prefix))
    return Response(answer, headers={"Cache-Control": NO_STORE})


@get(
    [f"{BASE}/users/{{user_id:str}}/playtime/stats", "/api/v1/users/{user_id:str}/playtime/stats"],
    opt={"operation": "users.playtime"},
    dependencies={"asked": Provide(asked_stats, sync_to_thread=False)},
    summary="Show what another user played",
    tags=["users"],
    responses=refusals(UserNotFound),
)
async def show_users_stats(
    application: Wired,
    user_id: UserPath,
    asked: NamedDependency[SkipValidation[AskedStats]],
) -> Response[StatsAnswer]:
    """Return the statistics as the user sees them; 404 for one whom Account does not know. The read is audited."""
    stats = await application.show_users_stats(
        ShowUsersStats(
            user_id=parse_user_id(user_id),
            asked_by=acting_user(),
            aggregation=asked.aggregation,
            game_id=asked.game_id,
            start=asked.start,
            end=asked.end,
        )
    )
    return Response(StatsAnswer(data=stats), headers={"Cache-Control": NO_STORE})
