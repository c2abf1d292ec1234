"""What the door works with: ready use cases, and the means to know and tell (architecture, law 7)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import CollectorRegistry

from library_adapters.telemetry import Tracing
from library_domain.library.model import AccessVerdict
from library_domain.library.use_cases.check_game_access import CheckGameAccess
from library_domain.library.use_cases.check_game_ownership import CheckGameOwnership, Ownership
from library_domain.shared.ids import IdSource
from library_grpc.doorkeeper import Tokens

QueryT = TypeVar("QueryT")
ResultT = TypeVar("ResultT")

UseCase = Callable[[QueryT], Awaitable[ResultT]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Made once by `bootstrap.open_application`, or by a test from fakes."""

    check_access: UseCase[CheckGameAccess, AccessVerdict]
    check_ownership: UseCase[CheckGameOwnership, Ownership]
    tokens: Tokens
    ids: IdSource
    tracing: Tracing
    registry: CollectorRegistry
