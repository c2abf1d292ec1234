"""Objects that are valid by default; a test names only what it is about."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid5

from library_domain.catalog.model import Game, GameAchievement, GamePrice, Platform, ProductType
from library_domain.flows.add_to_library import AddToLibrary
from library_domain.library.events import GameAdded, GrantRecorded
from library_domain.library.model import (
    AcquisitionType,
    DownloadReport,
    Grant,
    InstallationStatus,
    SubscriptionStatus,
)
from library_domain.library.use_cases.change_subscription import ChangeSubscription
from library_domain.library.use_cases.refund_purchase import RefundPurchase
from library_domain.outbox.model import OutboxMessage
from library_domain.playtime.model import Session, SessionId
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.money import Money

NAMESPACE = UUID("0f0e0d0c-0b0a-4909-8807-060504030201")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_numbers = count(1)


def user_id(name: str) -> UserId:
    return UserId(uuid5(NAMESPACE, f"user {name}"))


def game_id(name: str) -> GameId:
    return GameId(uuid5(NAMESPACE, f"game {name}"))


def event_id(name: str) -> UUID:
    return uuid5(NAMESPACE, f"event {name}")


def a_game(name: str = "Portal 2", **overrides: Any) -> Game:
    values: dict[str, Any] = {
        "game_id": game_id(name),
        "event_at": NOON,
        "name": name,
        "platforms": ("windows", "linux"),
        "size_required": 12_000_000_000,
        "version": "2.1.5",
        "developer": "Valve",
    }
    return Game(**values | overrides)


def a_dlc(name: str, *, of: str, **overrides: Any) -> Game:
    return a_game(name, product_type=ProductType.DLC, parent_game_id=game_id(of), **overrides)


def an_achievement(achievement_id: str = "chamber-1", **overrides: Any) -> GameAchievement:
    values: dict[str, Any] = {
        "game_id": game_id("Portal 2"),
        "achievement_id": achievement_id,
        "event_at": NOON,
        "event_id": event_id(f"achievement {next(_numbers)}"),
        "name": "Chamber One",
        "description": "Leave the first chamber",
        "icon_url": "https://cdn.example/chamber.png",
    }
    return GameAchievement(**values | overrides)


def a_price(
    amount: str = "499.00", *, of: str = "Portal 2", currency: str = "RUB", **overrides: Any
) -> GamePrice:
    values: dict[str, Any] = {
        "game_id": game_id(of),
        "amount": Money(Decimal(amount), currency),
        "original_amount": Money(Decimal("999.00"), currency),
        "discount_percent": 50,
        "valid_from": NOON,
        "event_at": NOON,
        "event_id": event_id(f"price {next(_numbers)}"),
    }
    return GamePrice(**values | overrides)


def a_report(
    status: InstallationStatus = InstallationStatus.INSTALLED, *, minute: float = 0, **overrides: Any
) -> DownloadReport:
    """Make what Download says `minute` minutes after noon; one that installs says everything."""
    values: dict[str, Any] = {
        "status": status,
        "event_time": NOON + timedelta(minutes=minute),
        "event_id": event_id(f"report {next(_numbers)}"),
        "device_id": "desktop",
        "platform": Platform.WINDOWS,
    }
    if status is InstallationStatus.INSTALLED:
        values |= {
            "install_path": "C:/Games/Portal 2",
            "version": "2.1.5",
            "size_installed": 12_000,
            "size_total": 12_000,
        }
    return DownloadReport(**values | overrides)


def a_grant(kind: AcquisitionType = AcquisitionType.PURCHASE, **overrides: Any) -> Grant:
    values: dict[str, Any] = {
        "acquisition_type": kind,
        "source_id": f"txn-{next(_numbers)}",
        "granted_at": NOON,
        "event_time": NOON,
    }
    return Grant(**values | overrides)


def a_purchase(game: str = "Portal 2", *, by: str = "alice", **overrides: Any) -> AddToLibrary:
    transaction = overrides.pop("transaction_id", f"txn-{next(_numbers)}")
    values: dict[str, Any] = {
        "user_id": user_id(by),
        "game_id": game_id(game),
        "acquisition_type": AcquisitionType.PURCHASE,
        "transaction_id": transaction,
        "purchase_type": "direct",
        "event_id": event_id(transaction),
        "event_time": NOON,
        "purchased_at": NOON - timedelta(minutes=1),
        "price": Money(Decimal("499.00"), "RUB"),
    }
    return AddToLibrary(**values | overrides)


def a_refund(transaction_id: str, *games: str, by: str = "alice", **overrides: Any) -> RefundPurchase:
    values: dict[str, Any] = {
        "user_id": user_id(by),
        "transaction_id": transaction_id,
        "dlc": tuple(map(game_id, games)),
        "event_id": event_id(f"refund {next(_numbers)}"),
        "event_time": NOON,
    }
    return RefundPurchase(**values | overrides)


def a_subscription(*games: str, by: str = "alice", **overrides: Any) -> ChangeSubscription:
    values: dict[str, Any] = {
        "user_id": user_id(by),
        "subscription_id": "s-1",
        "status": SubscriptionStatus.ACTIVE,
        "games": frozenset(map(game_id, games)),
        "expires_at": NOON + timedelta(days=30),
        "event_id": event_id(f"subscription {next(_numbers)}"),
        "event_time": NOON,
    }
    return ChangeSubscription(**values | overrides)


def session_id(name: str, at: datetime = NOON) -> SessionId:
    """Make the id of the session of this name that began at this second: it bears the second."""
    random = uuid5(NAMESPACE, f"session {name}").int & ((1 << 62) - 1)
    return SessionId(UUID(int=int(at.timestamp()) * 1_000 << 80 | 7 << 76 | 2 << 62 | random))


def a_session(name: str | None = None, *, now: datetime = NOON, **overrides: Any) -> Session:
    values: dict[str, Any] = {
        "session_id": session_id(name or f"{next(_numbers)}", now),
        "user_id": user_id("alice"),
        "game_id": game_id("Portal 2"),
        "library_item_id": uuid5(NAMESPACE, "entry"),
        "owner_id": user_id("alice"),
        "device_id": "desktop",
        "platform": "windows",
        "game_version": "2.1.5",
        "client_time": None,
    }
    return Session.start(now=now, **values | overrides)


def game_added(user: UserId, game: GameId, **overrides: Any) -> GameAdded:
    values: dict[str, Any] = {
        "user_id": user,
        "game_id": game,
        "occurred_at": NOON,
        "game_name": "Космические рейнджеры",
        "product_type": "game",
        "acquisition_type": "purchase",
        "acquisition_date": NOON,
        "transaction_id": "txn-1",
        "purchase_type": "direct",
        "price": Money(Decimal("1999.9"), "RUB"),
        "gifted_by": None,
        "dlc": (),
    }
    return GameAdded(**values | overrides)


def grant_recorded(user: UserId, game: GameId) -> GrantRecorded:
    return GrantRecorded(
        user_id=user, game_id=game, occurred_at=NOON, acquisition_type="free", source_id="promo-1"
    )


def a_message(user: UserId, revision: int = 1, n: int = 0, **overrides: Any) -> OutboxMessage:
    values: dict[str, Any] = {
        "user_id": user,
        "revision": revision,
        "n": n,
        "id": uuid5(user, f"{revision}.{n}"),
        "topic": "library-events",
        "event_type": "library.game.added",
        "payload": b"{}",
        "headers": (),
        "written_at": NOON,
    }
    return OutboxMessage(**values | overrides)
