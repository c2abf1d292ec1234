"""The endpoints, one module per resource. Every handler names its operation in `opt` (contract 3)."""

from collections.abc import Sequence

from litestar.types import ControllerRouterHandler

from library_api.routes.categories import (
    create_category,
    delete_category,
    edit_category,
    file_item,
    list_categories,
    unfile_item,
)
from library_api.routes.library import check_access, edit_item, list_collections, list_library, show_item
from library_api.routes.playtime import show_report, show_stats
from library_api.routes.sessions import (
    end_session,
    end_session_of_game,
    list_sessions,
    record_heartbeat,
    start_session,
    start_session_of_game,
)
from library_api.routes.users import list_users_library, show_users_stats

ROUTES: Sequence[ControllerRouterHandler] = (
    list_library,
    list_collections,
    show_item,
    edit_item,
    check_access,
    list_categories,
    create_category,
    edit_category,
    delete_category,
    file_item,
    unfile_item,
    start_session,
    start_session_of_game,
    record_heartbeat,
    end_session,
    end_session_of_game,
    list_sessions,
    show_stats,
    show_report,
    list_users_library,
    show_users_stats,
)
