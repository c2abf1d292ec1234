"""Read models of the library, shaped for the answers (contract 2), and the port that fills them.

Names are the published ones (details, "Names"). They are slots dataclasses that are not frozen because a page builds
many of them (performance.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from library_domain.catalog.model import LaunchOption
from library_domain.library.model import AccessVerdict, Grant
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Page


@dataclass(slots=True, kw_only=True)
class OwnedDLC:
    """A DLC that the user owns, under its base game. Sizes are bytes."""

    dlc_id: GameId
    name: str | None
    installed: bool
    size_installed: int | None
    size_required: int | None


@dataclass(slots=True, kw_only=True)
class LibraryItem:
    """One game of a library page. Times are UTC, `total_playtime_seconds` whole seconds, sizes bytes."""

    id: UUID
    user_id: UserId
    game_id: GameId
    name: str | None
    """None until Catalog has told it."""
    product_type: str
    acquisition_type: str | None
    """None for a borrowed game: `family` is no API value (data 1)."""
    acquisition_date: datetime
    is_hidden: bool
    is_favorite: bool
    last_played_at: datetime | None
    total_playtime_seconds: int
    installation_status: str
    installed: bool
    size_installed: int | None
    platform: str | None
    platforms: list[str]
    categories: list[str]
    dlc: list[OwnedDLC]
    family_shared: bool
    owner_id: UserId | None
    notes: str | None
    cover_url: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class Installation:
    """What one device has of the game (data 4)."""

    device_id: str
    platform: str | None
    status: str
    install_path: str | None
    installed_version: str | None
    size_installed: int | None
    event_at: datetime


@dataclass(slots=True, kw_only=True)
class LibraryItemDetail(LibraryItem):
    """One game with everything that exists of it."""

    install_path: str | None
    size_required: int | None
    version: str | None
    """The installed version, else the catalog's."""
    developer: str | None
    launch_options: list[LaunchOption]
    devices: list[Installation]
    access: AccessVerdict


@dataclass(slots=True, kw_only=True)
class LibraryPage:
    """A part of a library, sorted by name, and how many games the whole has."""

    items: list[LibraryItem]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Everything that decides about access to one game."""

    grants: Sequence[Grant]
    parent_grants: Sequence[Grant] | None
    """Rights to the base game; None if the game is no DLC or its base game is not known."""


class LibraryReader(Protocol):
    """Reads of the library. Each is one user's rows and never waits for another service (contract 4.1)."""

    async def page(self, user_id: UserId, page: Page, *, now: datetime) -> LibraryPage:
        """Return games that the user may play now and has not hidden, DLC under their games, by name."""
        ...

    async def item(self, user_id: UserId, game_id: GameId, *, now: datetime) -> LibraryItemDetail | None:
        """Return the game, accessible or not; None if the user never had it."""
        ...

    async def rights(self, user_id: UserId, game_id: GameId) -> Rights:
        """Return the user's rights to the game, none for a game or user that does not exist."""
        ...

    async def owned_dlc(self, user_id: UserId, game_id: GameId, *, now: datetime) -> Sequence[GameId]:
        """Return the DLC of this game that the user has a live right to."""
        ...
