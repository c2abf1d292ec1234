"""Show the built-in collections with their counts (details 1.7, GET /collections)."""

from collections.abc import Sequence
from dataclasses import dataclass

from library_domain.library.queries import CollectionSummary, LibraryReader
from library_domain.shared.clock import Clock
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCollections:
    """Ask for the collections of this user's library."""

    user_id: UserId


class ListCollectionsHandler:
    """Count as of now."""

    def __init__(self, *, reader: LibraryReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(self, query: ListCollections) -> Sequence[CollectionSummary]:
        return await self._reader.collections(query.user_id, now=self._clock.now())
