"""Tell what a user's answers depend on, for ETags (data 15)."""

from dataclasses import dataclass

from library_domain.library.queries import LibraryReader, Version
from library_domain.shared.clock import Clock
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowVersion:
    """Ask for the version of this user's data."""

    user_id: UserId


class ShowVersionHandler:
    """Read the version as of now; it is older than, or as old as, whatever is read after it."""

    def __init__(self, *, reader: LibraryReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(self, query: ShowVersion) -> Version:
        return await self._reader.version(query.user_id, now=self._clock.now())
