"""May this user play this game now? (contract 5, CheckGameAccess)."""

from dataclasses import dataclass

from library_domain.library.model import Access, decide_access
from library_domain.library.queries import Copy, LibraryReader
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckGameAccess:
    """Ask about this game for this user; neither needs to exist (details 3.5)."""

    user_id: UserId
    game_id: GameId


class CheckGameAccessHandler:
    """Decide on the rights as they are now, and tell who plays the copy.

    Nothing is cached, so a withdrawal acts at the next call. Whose copy a borrower would play is known from the rights
    alone, so that of a borrowed game who plays it is asked after them.
    """

    def __init__(self, *, reader: LibraryReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(self, query: CheckGameAccess) -> Access:
        rights = await self._reader.rights(query.user_id, query.game_id)
        verdict = decide_access(rights.grants, parent_grants=rights.parent_grants, now=self._clock.now())
        use = rights.in_use_by
        if verdict.owner_id is not None:
            (use,) = await self._reader.players([Copy(owner_id=verdict.owner_id, game_id=query.game_id)])
        return Access.of(verdict, user_id=query.user_id, use=use)
