"""Show a part of the caller's library (contract, GET /)."""

from dataclasses import dataclass, field

from library_domain.library.queries import LibraryPage, LibraryQuery, LibraryReader
from library_domain.shared.clock import Clock
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLibrary:
    """Ask for a part of this user's library."""

    user_id: UserId
    query: LibraryQuery = field(default_factory=LibraryQuery)


class ListLibraryHandler:
    """Read the page as of now."""

    def __init__(self, *, reader: LibraryReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(self, query: ListLibrary) -> LibraryPage:
        return await self._reader.page(query.user_id, query.query, now=self._clock.now())
