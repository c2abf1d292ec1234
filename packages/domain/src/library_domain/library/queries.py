"""Read models of the library, shaped for the answers (contract 2), and the port that fills them.

Names are the published ones (details, "Names"). They are slots dataclasses that are not frozen because a page builds
many of them (performance.md).
"""

from collections.abc import Collection as Several
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import Protocol, Self
from uuid import UUID

from library_domain.catalog.model import LaunchOption, ProductType
from library_domain.library.model import (
    PLAYABLE,
    AccessVerdict,
    AcquisitionType,
    CopyUse,
    InstallationStatus,
)
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Order, Page, Position
from library_domain.shared.text import sort_name

MAX_Q = 100
"""How many characters are searched for at most (details 3.9)."""
RECENT = timedelta(days=30)
"""A game played within this time is in the collection `recent` (details 1.7)."""
RECENT_SESSIONS = 10
"""How many of its last sessions an item shows (contract 2)."""
_NOT_PLAYABLE = frozenset(InstallationStatus) - PLAYABLE


class LibrarySort(StrEnum):
    """What a library can be sorted by (contract, GET /)."""

    NAME = "name"
    ACQUISITION_DATE = "acquisition_date"
    LAST_PLAYED_AT = "last_played_at"
    TOTAL_PLAYTIME = "total_playtime"
    INSTALLATION_STATUS = "installation_status"


class Filter(StrEnum):
    """The values of `filter`; any of the same group, and all groups."""

    INSTALLED = "installed"
    NOT_INSTALLED = "not_installed"
    HIDDEN = "hidden"
    FAVORITE = "favorite"
    SHARED = "shared"
    WITHDRAWN = "withdrawn"
    GAME = "game"
    APPLICATION = "application"


_KIND = {Filter.GAME: ProductType.GAME, Filter.APPLICATION: ProductType.APPLICATION}
_INSTALLATION = frozenset({Filter.INSTALLED, Filter.NOT_INSTALLED})


class Hidden(Enum):
    """What becomes of hidden games."""

    EXCLUDED = auto()
    INCLUDED = auto()
    ONLY = auto()


class Collection(StrEnum):
    """The built-in collections, each a stored filter (details 1.7)."""

    FAVORITES = "favorites"
    RECENT = "recent"
    INSTALLED = "installed"
    UNPLAYED = "unplayed"
    SHARED = "shared"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFilter:
    """Which games of a library are asked for; every condition must hold (details 3.9, 1.23).

    An empty set of kinds or statuses sets no condition. `withdrawn` asks for the games that the user lost access to,
    which are shown nowhere else; `category` is a name in any case; `q` is a part of a name, taken literally.

    Raises ValidationFailed for a `q` that is blank or longer than 100 characters.
    """

    kinds: frozenset[ProductType] = frozenset()
    installed: bool | None = None
    installation_statuses: frozenset[InstallationStatus] = frozenset()
    hidden: Hidden = Hidden.EXCLUDED
    favorite: bool = False
    shared: bool = False
    withdrawn: bool = False
    category: str | None = None
    q: str | None = None
    collection: Collection | None = None

    def __post_init__(self) -> None:
        """Refuse a search that says nothing or too much."""
        if self.q is None:
            return
        if len(self.q) > MAX_Q:
            raise ValidationFailed(field="q", reason="too_long", maximum=MAX_Q)
        if not sort_name(self.q):
            raise ValidationFailed(field="q", reason="blank")

    @classmethod
    def named(cls, filters: Several[Filter], *, include_hidden: bool = False) -> Self:
        """Return the filter that these words ask for."""
        installation = _INSTALLATION.intersection(filters)
        hidden = Hidden.INCLUDED if include_hidden else Hidden.EXCLUDED
        return cls(
            kinds=frozenset(_KIND[each] for each in filters if each in _KIND),
            # Both of the group are no condition.
            installed=None if len(installation) != 1 else Filter.INSTALLED in installation,
            hidden=Hidden.ONLY if Filter.HIDDEN in filters else hidden,
            favorite=Filter.FAVORITE in filters,
            shared=Filter.SHARED in filters,
            withdrawn=Filter.WITHDRAWN in filters,
        )

    @property
    def statuses(self) -> frozenset[InstallationStatus] | None:
        """Which installation statuses pass; None: any."""
        conditions = [
            self.installation_statuses or None,
            {True: PLAYABLE, False: _NOT_PLAYABLE, None: None}[self.installed],
            PLAYABLE if self.collection is Collection.INSTALLED else None,
        ]
        set_ones = [condition for condition in conditions if condition is not None]
        return frozenset.intersection(*set_ones) if set_ones else None

    @property
    def is_hidden(self) -> bool | None:
        """What a game that passes says of itself; None: either."""
        if self.hidden is Hidden.ONLY or self.collection is Collection.HIDDEN:
            return True
        return False if self.hidden is Hidden.EXCLUDED else None

    @property
    def only_favorite(self) -> bool:
        """Whether a game must be a favourite to pass."""
        return self.favorite or self.collection is Collection.FAVORITES

    @property
    def only_shared(self) -> bool:
        """Whether a game must be borrowed to pass."""
        return self.shared or self.collection is Collection.SHARED

    @property
    def only_unplayed(self) -> bool:
        """Whether a game must never have been played to pass."""
        return self.collection is Collection.UNPLAYED

    def played_since(self, now: datetime) -> datetime | None:
        """Return since when a game must have been played to pass; None: it need not."""
        return now - RECENT if self.collection is Collection.RECENT else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryQuery:
    """What of a library is asked for, in which order, and which part of that."""

    filter: LibraryFilter = field(default_factory=LibraryFilter)
    sort: LibrarySort = LibrarySort.NAME
    order: Order = Order.ASC
    page: Page = field(default_factory=Page)


@dataclass(slots=True, kw_only=True)
class OwnedDLC:
    """A DLC that the user owns, under its base game. Sizes are bytes."""

    dlc_id: GameId
    name: str | None
    installed: bool
    size_installed: int | None
    size_required: int | None


@dataclass(slots=True)
class LibraryItem:
    """One game of a library page. Times are UTC, `total_playtime_seconds` whole seconds, sizes bytes.

    The order of the members counts: readers make items of rows by it.
    """

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
    """What one device has of the game (data 4). Sizes are bytes."""

    device_id: str
    """Empty for all devices that did not give their name."""
    platform: str | None
    status: str
    failed_reason: str | None
    install_path: str | None
    installed_version: str | None
    size_installed: int | None
    size_total: int | None
    installed_at: datetime | None
    """Since when these files are there; None if the game is only on its way."""


@dataclass(slots=True)
class RecentSession:
    """One of the last sessions of the game that are over."""

    id: UUID
    start_time: datetime
    end_time: datetime
    duration_seconds: int


@dataclass(slots=True)
class LibraryItemDetail(LibraryItem):
    """One game with everything that exists of it."""

    install_path: str | None
    size_required: int | None
    version: str | None
    """The installed version, else the catalog's."""
    developer: str | None
    launch_options: list[LaunchOption]
    devices: list[Installation]
    """Devices that have the game or are getting it, the newest files first."""
    playtime_sessions: list[RecentSession]
    """The last RECENT_SESSIONS, the newest first."""
    access: AccessVerdict


@dataclass(slots=True, kw_only=True)
class LibraryPage:
    """A part of a library."""

    items: list[LibraryItem]
    total: int | None
    """How many games all pages have together; None on a page behind a position, which does not count (data 16)."""
    next: Position | None
    """Where this page ended; None if nothing follows."""


@dataclass(slots=True, kw_only=True)
class CategorySummary:
    """A category of the user with how many games `GET /?category=` shows of it."""

    id: UUID
    name: str
    color: str | None
    items_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class CollectionSummary:
    """A built-in collection with how many games `GET /?collection=` shows of it."""

    name: Collection
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a user's answers depend on; equal versions mean equal answers (data 15).

    The timeline is the database's and changes with restores and failovers; the epoch moves at most once a minute when
    the catalog changed; the revision rises with every change of the user's own data.
    """

    timeline: str
    epoch: int
    revision: int


@dataclass(slots=True, kw_only=True)
class AccessRight:
    """One right to a game, without what does not decide about access."""

    acquisition_type: AcquisitionType
    source_id: str
    granted_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A game, and whose copy of it."""

    owner_id: UserId
    game_id: GameId


@dataclass(slots=True, kw_only=True)
class Rights:
    """Everything that decides about access to one game."""

    grants: Sequence[AccessRight]
    parent_grants: Sequence[AccessRight] | None
    """Rights to the base game; None if the game is no DLC or its base game is not known."""
    in_use_by: CopyUse | None = None
    """Who plays the user's own copy, the user or another; None: nobody."""


class LibraryReader(Protocol):
    """Reads of the library. Each is one user's rows and never waits for another service (contract 4.1)."""

    async def version(self, user_id: UserId, *, now: datetime) -> Version:
        """Return what the user's answers depend on at this moment; to be read before what it describes."""
        ...

    async def page(self, user_id: UserId, query: LibraryQuery, *, now: datetime) -> LibraryPage:
        """Return the part of the library that is asked for; DLC stand under their games and are not counted.

        What has no value to sort by comes last, equals come by game id, both in the direction of the order. A page
        behind a position costs the same however far behind it is, except by name and with `q` (data 16).
        """
        ...

    async def collections(self, user_id: UserId, *, now: datetime) -> Sequence[CollectionSummary]:
        """Return every built-in collection, in the order of the enum."""
        ...

    async def categories(self, user_id: UserId, *, now: datetime) -> Sequence[CategorySummary]:
        """Return the user's categories by name."""
        ...

    async def item(self, user_id: UserId, game_id: GameId, *, now: datetime) -> LibraryItemDetail | None:
        """Return the game, accessible or not; None if the user never had it."""
        ...

    async def rights(self, user_id: UserId, game_id: GameId) -> Rights:
        """Return the user's rights to the game, none for a game or user that does not exist."""
        ...

    async def rights_of(self, user_id: UserId, game_ids: Sequence[GameId]) -> Sequence[Rights]:
        """Return what `rights` returns for each of the games, in their order, from one look at the user's rights.

        A game that is named twice is answered twice. At most 100 games are asked for.
        """
        ...

    async def players(self, copies: Sequence[Copy]) -> Sequence[CopyUse | None]:
        """Return who plays each of the copies, in their order; None: nobody."""
        ...

    async def owned_dlc(self, user_id: UserId, game_id: GameId, *, now: datetime) -> Sequence[GameId]:
        """Return the DLC of this game that the user has a live right to."""
        ...
