"""What the door works with: ready use cases, and the means to know and tell (architecture, law 7)."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import CollectorRegistry

from library_adapters.telemetry import Tracing
from library_domain.flows.start_session import StartSession, StartSessionResult
from library_domain.library.model import Access
from library_domain.library.queries import LibraryPage
from library_domain.library.use_cases.batch_check_game_access import BatchCheckGameAccess
from library_domain.library.use_cases.check_game_access import CheckGameAccess
from library_domain.library.use_cases.check_game_ownership import CheckGameOwnership, Ownership
from library_domain.library.use_cases.list_library import ListLibrary
from library_domain.playtime.model import SessionRecord
from library_domain.playtime.queries import LifetimePage, PlaytimeStats
from library_domain.playtime.use_cases.end_session import EndSession
from library_domain.playtime.use_cases.show_lifetime import ShowLifetime
from library_domain.playtime.use_cases.show_stats import ShowStats
from library_domain.shared.ids import IdSource
from library_grpc.doorkeeper import Tokens

QueryT = TypeVar("QueryT")
ResultT = TypeVar("ResultT")

UseCase = Callable[[QueryT], Awaitable[ResultT]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Made once by `bootstrap.open_application`, or by a test from fakes."""

    list_library: UseCase[ListLibrary, LibraryPage]
    check_access: UseCase[CheckGameAccess, Access]
    batch_check_access: UseCase[BatchCheckGameAccess, Sequence[Access]]
    check_ownership: UseCase[CheckGameOwnership, Ownership]
    show_lifetime: UseCase[ShowLifetime, LifetimePage]
    show_stats: UseCase[ShowStats, PlaytimeStats]
    start_session: UseCase[StartSession, StartSessionResult]
    end_session: UseCase[EndSession, SessionRecord]
    within: Callable[[float | None], AbstractContextManager[None]]
    """Lets the stores that a block asks work no longer than so many seconds: the caller's deadline."""
    tokens: Tokens
    ids: IdSource
    tracing: Tracing
    registry: CollectorRegistry
