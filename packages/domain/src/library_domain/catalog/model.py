"""What we keep of a game that Catalog describes (details 3.1, 3.3)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from library_domain.shared.ids import GameId
from library_domain.shared.text import sort_name


class ProductType(StrEnum):
    """What is sold (contract 1)."""

    GAME = "game"
    APPLICATION = "application"
    DLC = "dlc"


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

    @property
    def sort_name(self) -> str | None:
        """The key that lists are sorted by (data 16)."""
        return None if self.name is None else sort_name(self.name)
