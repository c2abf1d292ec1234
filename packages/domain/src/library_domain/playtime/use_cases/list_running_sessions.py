"""Show what the caller plays now (contract, GET /playtime/sessions?active=true)."""

from dataclasses import dataclass, field

from library_domain.playtime.queries import PlaytimeReader, SessionPage, SessionQuery
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRunningSessions:
    """Ask for a part of this user's running sessions; their pages have no positions."""

    user_id: UserId
    query: SessionQuery = field(default_factory=SessionQuery)


class ListRunningSessionsHandler:
    """Read them as of their last sign of life: nothing is cached (data 17). They are few, so all are read."""

    def __init__(self, *, reader: PlaytimeReader) -> None:
        self._reader = reader

    async def __call__(self, query: ListRunningSessions) -> SessionPage:
        running = await self._reader.running(query.user_id)
        asked, page = query.query, query.query.page
        found = [each for each in running if asked.covers(each.game_id, each.start_time)]
        return SessionPage(items=found[page.offset : page.offset + page.limit], total=len(found), next=None)
