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
class LibraryRead(DomainEvent):
    """Somebody of the platform looked at this user's library: audited, and no change of it (data 12)."""

    action: ClassVar[str] = "read_other"
    is_change: ClassVar[bool] = False


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
