"""Show what the caller plays now (contract, GET /playtime/sessions?active=true)."""

from collections.abc import Sequence
from dataclasses import dataclass

from library_domain.playtime.queries import PlaytimeReader, PlaytimeSession
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRunningSessions:
    """Ask for this user's running sessions."""

    user_id: UserId


class ListRunningSessionsHandler:
    """Read them as of their last sign of life: nothing is cached (data 17)."""

    def __init__(self, *, reader: PlaytimeReader) -> None:
        self._reader = reader

    async def __call__(self, query: ListRunningSessions) -> Sequence[PlaytimeSession]:
        return await self._reader.running(query.user_id)
