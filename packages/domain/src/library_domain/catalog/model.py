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
