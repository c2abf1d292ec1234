"""What the handlers of events work with."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeVar

from library_domain.catalog.use_cases.learn_games import LearnGames, LearnGamesResult
from library_domain.flows.add_to_library import AddToLibrary, AddToLibraryResult
from library_domain.shared.ports import EventClaim, Once

CommandT = TypeVar("CommandT")
ResultT = TypeVar("ResultT")

UseCase = Callable[[CommandT], Awaitable[ResultT]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Made once by `bootstrap.open_consumers`, or by a test from fakes."""

    once: Callable[[EventClaim], AbstractAsyncContextManager[Once]]
    """Opens the transaction in which an event has its effect (`UnitOfWork.once`)."""
    learn_games: UseCase[LearnGames, LearnGamesResult]
    add_to_library: UseCase[AddToLibrary, AddToLibraryResult]
