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
from library_domain.library.queries import LibraryItemDetail, LibraryPage
from library_domain.library.use_cases.list_library import ListLibrary
from library_domain.library.use_cases.show_item import ShowItem
from library_domain.shared.ids import IdSource

QueryT = TypeVar("QueryT")
ResultT = TypeVar("ResultT")

UseCase = Callable[[QueryT], Awaitable[ResultT]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Made once by `bootstrap.open_application`, or by a test from fakes."""

    list_library: UseCase[ListLibrary, LibraryPage]
    show_item: UseCase[ShowItem, LibraryItemDetail]
    tokens: Tokens
    ids: IdSource
    tracing: Tracing
    registry: CollectorRegistry
    trusted_proxies: Sequence[Network] = ()


Wired = NamedDependency[SkipValidation[Application]]
"""How a handler asks for the application; Litestar would rebuild the dataclass field by field to validate it."""
