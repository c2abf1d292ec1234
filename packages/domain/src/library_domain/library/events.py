"""Facts of the library slice; field names are the published ones (details 3.7)."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from library_domain.shared.events import LIBRARY_EVENTS, DomainEvent
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class GameAdded(DomainEvent):
    """A game came into the user's library, or came back to it (spec 11.3, example 1)."""

    action: ClassVar[str] = "add_game"
    event_type: ClassVar[str | None] = "library.game.added"
    topic: ClassVar[str | None] = LIBRARY_EVENTS

    game_name: str | None
    product_type: str
    acquisition_type: str
    acquisition_date: datetime
    transaction_id: str | None
    purchase_type: str | None
    price: Money | None
    gifted_by: UserId | None
    dlc: tuple[GameId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GameUpdated(DomainEvent):
    """Members of a library item changed; `changes` names them, not their values (details 3.7)."""

    action: ClassVar[str] = "update_game"
    event_type: ClassVar[str | None] = "library.game.updated"
    topic: ClassVar[str | None] = LIBRARY_EVENTS

    game_name: str | None
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GameHidden(DomainEvent):
    """The user hid a game, or shows it again (spec 11.3)."""

    action: ClassVar[str] = "hide_game"
    event_type: ClassVar[str | None] = "library.game.hidden"
    topic: ClassVar[str | None] = LIBRARY_EVENTS

    is_hidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallStatusChanged(DomainEvent):
    """The status of a game on one device changed; what Download told of it passes through (spec example 5, details 1.5).

    Sizes are bytes, the speed bytes per second, `progress` percent.
    """

    action: ClassVar[str] = "update_installation"
    event_type: ClassVar[str | None] = "library.game.install_status_changed"
    topic: ClassVar[str | None] = LIBRARY_EVENTS

    game_name: str | None
    device_id: str
    platform: str | None
    previous_status: str
    current_status: str
    failed_reason: str | None
    progress: float | None
    estimated_completion: datetime | None
    install_path: str | None
    version: str | None
    size_installed: int | None
    size_total: int | None
    size_downloaded: int | None
    download_speed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRevoked(DomainEvent):
    """The last right to a game ended: it may not be played any more (details 3.7).

    `reason` is refunded or expired, `grant_kind` the kind of the right that ended last.
    """

    action: ClassVar[str] = "revoke_access"
    event_type: ClassVar[str | None] = "library.game.access_revoked"
    topic: ClassVar[str | None] = LIBRARY_EVENTS

    game_name: str | None
    reason: str
    grant_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryCreated(DomainEvent):
    """The user made a category: audited, not published."""

    action: ClassVar[str] = "create_category"

    category_id: UUID
    name: str
    color: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryEdited(DomainEvent):
    """The user renamed or recoloured a category: audited, not published."""

    action: ClassVar[str] = "update_category"

    category_id: UUID
    name: str
    color: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryDeleted(DomainEvent):
    """The user gave up a category; its games stay: audited, not published."""

    action: ClassVar[str] = "delete_category"

    category_id: UUID
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRecorded(DomainEvent):
    """A further right was recorded that changes nothing the user sees: audited, not published."""

    action: ClassVar[str] = "record_grant"

    acquisition_type: str
    source_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DLCAdded(DomainEvent):
    """A DLC came with its base game, whose GameAdded names it: audited here, published there."""

    action: ClassVar[str] = "add_dlc"

    base_game_id: GameId
    acquisition_type: str
    source_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRevoked(DomainEvent):
    """A right was taken back that the user does not miss: audited, not published."""

    action: ClassVar[str] = "revoke_grant"

    acquisition_type: str
    source_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RightSucceeded(DomainEvent):
    """The right that the entry shows ran out, and another that looks the same is shown: audited, not published."""

    action: ClassVar[str] = "succeed_right"

    acquisition_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRecorded(DomainEvent):
    """Payment refunded these products, or all of the transaction if none is named: audited, not published."""

    action: ClassVar[str] = "refund"

    transaction_id: str
    products: tuple[GameId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionChanged(DomainEvent):
    """Payment told a state of a subscription; the rights follow in steps: audited, not published."""

    action: ClassVar[str] = "change_subscription"

    subscription_id: str
    status: str
    games: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionApplied(DomainEvent):
    """The rights to so many games were made what their subscription says: audited, not published.

    What the user sees of it has events of its own. A renewal, which only moves the end of each right, has this one.
    """

    action: ClassVar[str] = "apply_subscription"

    subscription_id: str
    games: int
