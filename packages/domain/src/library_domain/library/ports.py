"""What the library slice needs from its transaction."""

from typing import Protocol

from library_domain.library.model import LibraryEntry
from library_domain.shared.ids import GameId, UserId


class LibraryRepository(Protocol):
    """Library entries with their rights. The user's mutex must be held: it is what makes load and save safe."""

    async def entries(self, user_id: UserId, game_ids: tuple[GameId, ...]) -> dict[GameId, LibraryEntry]:
        """Return the user's entries for these games, each with all its grants; games without a row are absent."""
        ...

    async def save(self, *entries: LibraryEntry) -> None:
        """Write what changed of the entries and their grants in one go, stamped with the users' next revision.

        A grant that was only redated keeps its revision. An older event never overwrites what a newer one said.
        """
        ...
