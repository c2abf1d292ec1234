"""Show a part of another user's library to support (contract, GET /users/{user_id}/library)."""

from dataclasses import dataclass, field

from library_domain.library.queries import LibraryPage, LibraryQuery, LibraryReader
from library_domain.shared.clock import Clock
from library_domain.shared.ids import UserId
from library_domain.shared.looks import Looks, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsersLibrary:
    """Ask for a part of this user's library, on behalf of `asked_by`."""

    user_id: UserId
    asked_by: UserId
    query: LibraryQuery = field(default_factory=LibraryQuery)


class ListUsersLibraryHandler:
    """Have the look audited, then look. Raises UserNotFound for a user that Account does not know."""

    def __init__(self, *, reader: LibraryReader, looks: Looks, clock: Clock) -> None:
        self._reader = reader
        self._looks = looks
        self._clock = clock

    async def __call__(self, query: ListUsersLibrary) -> LibraryPage:
        await self._looks.note(Part.LIBRARY, of=query.user_id, by=query.asked_by)
        return await self._reader.page(query.user_id, query.query, now=self._clock.now())
