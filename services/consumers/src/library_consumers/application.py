"""What the handlers of events work with."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeVar

from library_domain.accounts.use_cases.record_erasure import RecordErasure, RecordErasureResult
from library_domain.catalog.use_cases.change_price import ChangePrice, ChangePriceResult
from library_domain.catalog.use_cases.learn_games import LearnGames, LearnGamesResult
from library_domain.catalog.use_cases.update_achievement import UpdateAchievement, UpdateAchievementResult
from library_domain.catalog.use_cases.update_game import UpdateGame, UpdateGameResult
from library_domain.flows.add_to_library import AddToLibrary, AddToLibraryResult
from library_domain.library.use_cases.change_subscription import ChangeSubscription, ChangeSubscriptionResult
from library_domain.library.use_cases.defer_installation import DeferInstallation, DeferInstallationResult
from library_domain.library.use_cases.record_installation import RecordInstallation, RecordInstallationResult
from library_domain.library.use_cases.refund_purchase import RefundPurchase, RefundPurchaseResult
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
    refund_purchase: UseCase[RefundPurchase, RefundPurchaseResult]
    change_subscription: UseCase[ChangeSubscription, ChangeSubscriptionResult]
    update_game: UseCase[UpdateGame, UpdateGameResult]
    update_achievement: UseCase[UpdateAchievement, UpdateAchievementResult]
    change_price: UseCase[ChangePrice, ChangePriceResult]
    record_installation: UseCase[RecordInstallation, RecordInstallationResult]
    defer_installation: UseCase[DeferInstallation, DeferInstallationResult]
    record_erasure: UseCase[RecordErasure, RecordErasureResult]
