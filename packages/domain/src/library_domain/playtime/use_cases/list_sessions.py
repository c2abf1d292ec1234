"""Show the caller's ended sessions (contract, GET /playtime/sessions)."""

from dataclasses import dataclass, field

from library_domain.playtime.queries import PlaytimeReader, SessionPage, SessionQuery
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSessions:
    """Ask for a part of this user's history."""

    user_id: UserId
    query: SessionQuery = field(default_factory=SessionQuery)


class ListSessionsHandler:
    """Read the page."""

    def __init__(self, *, reader: PlaytimeReader) -> None:
        self._reader = reader

    async def __call__(self, query: ListSessions) -> SessionPage:
        return await self._reader.sessions(query.user_id, query.query)
