"""What the library slice needs from its transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from library_domain.catalog.ports import GameReader
from library_domain.library.model import (
    Categories,
    GameInstallations,
    HeldRight,
    LibraryEntry,
    Refunds,
    Shelf,
    Subscription,
)
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.ports import JobQueue, Recorder, UnitOfWork

END_WITHDRAWN = "playtime.end_withdrawn"
"""The job that ends what is played without a right; whoever withdraws access asks for it, its key is the user."""


class LibraryRepository(Protocol):
    """Library entries with their rights. The user's mutex must be held: it is what makes load and save safe."""

    async def entries(self, user_id: UserId, game_ids: tuple[GameId, ...]) -> dict[GameId, LibraryEntry]:
        """Return the user's entries for these games, each with all its grants; games without a row are absent."""
        ...

    async def save(self, *entries: LibraryEntry) -> None:
        """Write what changed of the entries and their grants in one go, stamped with the users' next revision.

        A category that an entry is filed under must have been saved before. A grant that was only redated keeps its
        revision. An older event never overwrites what a newer one said.
        """
        ...

    async def games_of(self, user_id: UserId, transaction_id: str) -> tuple[GameId, ...]:
        """Return the products that this transaction gave the user a right to, by their ids; revoked ones too."""
        ...

    async def held_from(self, user_id: UserId, source_id: str) -> dict[GameId, HeldRight]:
        """Return every right that the user has or had from the subscription that is this source."""
        ...


class RefundRepository(Protocol):
    """What was refunded, by transaction; kept 30 days. The user's mutex must be held."""

    async def of(self, user_id: UserId, transaction_id: str) -> Refunds:
        """Return what is known to be refunded of the transaction: nothing, for most."""
        ...

    async def save(self, refunds: Refunds) -> None:
        """Write what changed, stamped with the user's next revision."""
        ...


class SubscriptionRepository(Protocol):
    """Subscriptions as they were last told. The user's mutex must be held."""

    async def of(self, user_id: UserId, subscription_id: str) -> Subscription | None:
        """Return the subscription; None if nothing was told of it yet."""
        ...

    async def save(self, subscription: Subscription) -> None:
        """Write it in the place of what was there, stamped with the user's next revision."""
        ...


class OutdatedEntries(Protocol):
    """Entries that show a right which ran out, of all users but the erased ones."""

    async def find(self, *, now: datetime, limit: int) -> Mapping[UserId, Sequence[GameId]]:
        """Return at most `limit` of them, the longest outdated first, without taking any lock (data 27).

        Raises DependencyUnavailable when the database does not answer in time.
        """
        ...


class CategoryRepository(Protocol):
    """A user's categories. The user's mutex must be held."""

    async def of(self, user_id: UserId) -> Categories:
        """Return all categories of the user, none for a user that has none."""
        ...

    async def save(self, categories: Categories) -> None:
        """Write what changed, stamped with the user's next revision; what is deleted leaves its games too."""
        ...


class InstallationRepository(Protocol):
    """What a user's devices have of their games. The user's mutex must be held."""

    async def of(self, user_id: UserId, game_id: GameId) -> GameInstallations | None:
        """Return every device that ever reported on the game; None if the game is not in the library."""
        ...

    async def save(self, installations: GameInstallations) -> None:
        """Write the touched devices, and what the entry shows of them if any is seen to be different.

        What is seen to be different is stamped with the user's next revision; the others keep theirs.
        """
        ...


class LibraryTransaction(Recorder, Protocol):
    """The part of a transaction that this slice needs."""

    @property
    def library(self) -> LibraryRepository:
        """Entries and rights."""
        ...

    @property
    def refunds(self) -> RefundRepository:
        """What was refunded."""
        ...

    @property
    def subscriptions(self) -> SubscriptionRepository:
        """Subscriptions as they were last told."""
        ...

    @property
    def jobs(self) -> JobQueue:
        """The queue of later work."""
        ...

    @property
    def categories(self) -> CategoryRepository:
        """The user's categories."""
        ...

    @property
    def installations(self) -> InstallationRepository:
        """What the devices have."""
        ...

    @property
    def games(self) -> GameReader:
        """Names."""
        ...


LibraryUnitOfWork = UnitOfWork[LibraryTransaction]


class Shelves(Protocol):
    """Whole libraries, to be compared with what they are made of. Nothing is locked, nothing written."""

    async def of(self, user_id: UserId, *, now: datetime) -> Shelf:
        """Return the user's library as it was at one moment.

        Raises DependencyUnavailable when the database does not answer in time.
        """
        ...
