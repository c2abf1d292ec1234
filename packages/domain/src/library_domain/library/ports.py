"""What the library slice needs from its transaction."""

from typing import Protocol

from library_domain.catalog.ports import GameReader
from library_domain.library.model import Categories, LibraryEntry
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.ports import Recorder, UnitOfWork


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


class CategoryRepository(Protocol):
    """A user's categories. The user's mutex must be held."""

    async def of(self, user_id: UserId) -> Categories:
        """Return all categories of the user, none for a user that has none."""
        ...

    async def save(self, categories: Categories) -> None:
        """Write what changed, stamped with the user's next revision; what is deleted leaves its games too."""
        ...


class LibraryTransaction(Recorder, Protocol):
    """The part of a transaction that this slice needs."""

    @property
    def library(self) -> LibraryRepository:
        """Entries and rights."""
        ...

    @property
    def categories(self) -> CategoryRepository:
        """The user's categories."""
        ...

    @property
    def games(self) -> GameReader:
        """Names."""
        ...


LibraryUnitOfWork = UnitOfWork[LibraryTransaction]
