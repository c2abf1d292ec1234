"""Show the user's categories with their counts (contract, GET /categories)."""

from collections.abc import Sequence
from dataclasses import dataclass

from library_domain.library.queries import CategorySummary, LibraryReader
from library_domain.shared.clock import Clock
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCategories:
    """Ask for the categories of this user."""

    user_id: UserId


class ListCategoriesHandler:
    """Count as of now."""

    def __init__(self, *, reader: LibraryReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(self, query: ListCategories) -> Sequence[CategorySummary]:
        return await self._reader.categories(query.user_id, now=self._clock.now())
