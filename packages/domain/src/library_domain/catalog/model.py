"""What we keep of a game that Catalog describes (details 3.1, 3.3)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import GameId
from library_domain.shared.money import Money
from library_domain.shared.text import sort_name

NO_EVENT = UUID(int=0)
"""Stands for "no event said so": what Catalog answers when it is asked gives way to an event of the same time."""


class ProductType(StrEnum):
    """What is sold (contract 1)."""

    GAME = "game"
    APPLICATION = "application"
    DLC = "dlc"


class Platform(StrEnum):
    """What a product runs on (contract 1)."""

    WINDOWS = "windows"
    MACOS = "macos"
    LINUX = "linux"
    ANDROID = "android"
    IOS = "ios"


_TELLING = {kind: rank for rank, kind in enumerate(ProductType)}
"""Of what purchases say of one product: a DLC is only called so on purpose, a game also for want of a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOption:
    """One way to start a game, as the catalog offers it."""

    id: str
    name: str
    command: str
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """One product of the catalog.

    A stub (`name` is None) stands for a product that was added while Catalog did not answer: its kind and parent
    come from the purchase, the rest is filled in later. Sizes are bytes.
    """

    game_id: GameId
    event_at: datetime
    """When Catalog last changed it; an older state never overwrites a newer one."""
    event_id: UUID = NO_EVENT
    """Decides between two states of one time (details 3.1)."""
    name: str | None = None
    product_type: ProductType = ProductType.GAME
    parent_game_id: GameId | None = None
    platforms: tuple[str, ...] = ()
    size_required: int | None = None
    version: str | None = None
    sharing_allowed: bool = False
    cloud_saves_supported: bool = False
    launch_options: tuple[LaunchOption, ...] = field(default=())
    achievements_total: int | None = None
    cover_url: str | None = None
    developer: str | None = None
    is_deleted: bool = False

    @property
    def is_stub(self) -> bool:
        """Tell whether Catalog has not described it yet."""
        return self.name is None

    def replaces(self, stored: "Game | None") -> bool:
        """Tell whether this is to be kept in the place of what is stored: the newer state, and any rather than a stub."""
        if stored is None:
            return True
        if self.is_stub:
            return stored.is_stub and self.tells_more_than(stored)
        return stored.is_stub or (self.event_at, self.event_id) > (stored.event_at, stored.event_id)

    def tells_more_than(self, stub: "Game") -> bool:
        """Tell whether this stub is to stand in the place of the other: whichever event comes first, the same one does.

        The kind decides, then that there is a parent, then which: of two, the lower id, for there is no better reason.
        """
        if _TELLING[self.product_type] != _TELLING[stub.product_type]:
            return _TELLING[self.product_type] > _TELLING[stub.product_type]
        if self.parent_game_id is None or stub.parent_game_id is None:
            return stub.parent_game_id is None and self.parent_game_id is not None
        return self.parent_game_id < stub.parent_game_id

    @property
    def sort_name(self) -> str | None:
        """The key that lists are sorted by (data 16)."""
        return None if self.name is None else sort_name(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class GameAchievement:
    """One achievement that a game offers, whole; of two states the newer stands (details 3.1)."""

    game_id: GameId
    achievement_id: str
    event_at: datetime
    event_id: UUID
    name: str
    description: str | None = None
    icon_url: str | None = None
    is_hidden: bool = False
    server_granted: bool = False
    """Only the game's own servers may grant it (contract 4.3)."""
    min_playtime_seconds: int | None = None
    is_deleted: bool = False


MAX_DISCOUNT_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class GamePrice:
    """What a game costs in one currency from a time on, as one event told it (details 3.1, data 22).

    Raises ValidationFailed when the two amounts are of different currencies or the discount is no percentage.
    """

    game_id: GameId
    amount: Money
    original_amount: Money
    """Without the discount."""
    valid_from: datetime
    event_at: datetime
    event_id: UUID
    discount_percent: int = 0
    valid_until: datetime | None = None
    """When the discount ends; None: nobody has said."""

    def __post_init__(self) -> None:
        """Refuse what is no price."""
        if self.amount.currency != self.original_amount.currency:
            raise ValidationFailed(field="original_amount", reason="other_currency")
        if not 0 <= self.discount_percent <= MAX_DISCOUNT_PERCENT:
            raise ValidationFailed(field="discount_percent", reason="out_of_range")

    @property
    def currency(self) -> str:
        """The currency, ISO 4217."""
        return self.amount.currency
