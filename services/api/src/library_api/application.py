"""What the door works with: ready use cases, and the means to know and tell (architecture, law 7)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from prometheus_client import CollectorRegistry

from library_adapters.telemetry import Tracing
from library_api.client_address import Network
from library_api.doorkeeper import Tokens
from library_api.idempotency import Claims
from library_api.metering import RateLimits
from library_domain.flows.start_session import StartSession, StartSessionResult
from library_domain.library.model import Access
from library_domain.library.queries import (
    CategorySummary,
    CollectionSummary,
    LibraryItemDetail,
    LibraryPage,
    Version,
)
from library_domain.library.use_cases.check_game_access import CheckGameAccess
from library_domain.library.use_cases.create_category import CreateCategory
from library_domain.library.use_cases.delete_category import DeleteCategory
from library_domain.library.use_cases.edit_category import EditCategory
from library_domain.library.use_cases.edit_item import EditItem
from library_domain.library.use_cases.file_item import FileItem
from library_domain.library.use_cases.list_categories import ListCategories
from library_domain.library.use_cases.list_collections import ListCollections
from library_domain.library.use_cases.list_library import ListLibrary
from library_domain.library.use_cases.list_users_library import ListUsersLibrary
from library_domain.library.use_cases.show_item import ShowItem
from library_domain.library.use_cases.show_version import ShowVersion
from library_domain.library.use_cases.unfile_item import UnfileItem
from library_domain.playtime.model import SessionRecord
from library_domain.playtime.queries import PlaytimeReport, PlaytimeStats, SessionPage
from library_domain.playtime.use_cases.end_session import EndSession
from library_domain.playtime.use_cases.list_running_sessions import ListRunningSessions
from library_domain.playtime.use_cases.list_sessions import ListSessions
from library_domain.playtime.use_cases.record_heartbeat import RecordHeartbeat, RecordHeartbeatResult
from library_domain.playtime.use_cases.show_report import ShowReport
from library_domain.playtime.use_cases.show_stats import ShowStats
from library_domain.playtime.use_cases.show_users_stats import ShowUsersStats
from library_domain.shared.ids import IdSource

QueryT = TypeVar("QueryT")
ResultT = TypeVar("ResultT")

UseCase = Callable[[QueryT], Awaitable[ResultT]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Made once by `bootstrap.open_application`, or by a test from fakes."""

    list_library: UseCase[ListLibrary, LibraryPage]
    show_item: UseCase[ShowItem, LibraryItemDetail]
    edit_item: UseCase[EditItem, LibraryItemDetail]
    check_game_access: UseCase[CheckGameAccess, Access]
    file_item: UseCase[FileItem, Sequence[str]]
    unfile_item: UseCase[UnfileItem, Sequence[str]]
    list_categories: UseCase[ListCategories, Sequence[CategorySummary]]
    create_category: UseCase[CreateCategory, CategorySummary]
    edit_category: UseCase[EditCategory, CategorySummary]
    delete_category: UseCase[DeleteCategory, None]
    list_collections: UseCase[ListCollections, Sequence[CollectionSummary]]
    list_users_library: UseCase[ListUsersLibrary, LibraryPage]
    show_version: UseCase[ShowVersion, Version]
    start_session: UseCase[StartSession, StartSessionResult]
    record_heartbeat: UseCase[RecordHeartbeat, RecordHeartbeatResult]
    end_session: UseCase[EndSession, SessionRecord]
    list_sessions: UseCase[ListSessions, SessionPage]
    list_running_sessions: UseCase[ListRunningSessions, SessionPage]
    show_stats: UseCase[ShowStats, PlaytimeStats]
    show_report: UseCase[ShowReport, PlaytimeReport]
    show_users_stats: UseCase[ShowUsersStats, PlaytimeStats]
    claims: Claims
    tokens: Tokens
    limits: RateLimits | None
    """None: nobody is limited."""
    cursor_key: bytes
    ids: IdSource
    tracing: Tracing
    registry: CollectorRegistry
    body_seconds: float = 10.0
    trusted_proxies: Sequence[Network] = ()
    cors_origins: Sequence[str] = ()
    thin_lane: bool = True


Wired = NamedDependency[SkipValidation[Application]]
"""How a handler asks for the application; Litestar would rebuild the dataclass field by field to validate it."""
