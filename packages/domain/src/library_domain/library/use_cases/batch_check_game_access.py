"""Which of these games may this user play now? (contract 5, BatchCheckGameAccess)."""

from collections.abc import Sequence
from dataclasses import dataclass

from library_domain.library.model import Access, decide_access
from library_domain.library.queries import Copy, LibraryReader
from library_domain.shared.clock import Clock
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import GameId, UserId

MAX_GAMES = 100
"""How many games may be asked about in one call (contract 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCheckGameAccess:
    """Ask about these games for this user; none of them needs to exist (details 3.5).

    Raises ValidationFailed for more than 100 games.
    """

    user_id: UserId
    game_ids: Sequence[GameId]

    def __post_init__(self) -> None:
        """Refuse more than is answered at once."""
        if len(self.game_ids) > MAX_GAMES:
            raise ValidationFailed(field="game_ids", reason="too_many", maximum=MAX_GAMES)


class BatchCheckGameAccessHandler:
    """Decide on each game as `CheckGameAccess` does, all at one moment; verdicts come in the order of the games."""

    def __init__(self, *, reader: LibraryReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(self, query: BatchCheckGameAccess) -> Sequence[Access]:
        if not query.game_ids:
            return []
        rights = await self._reader.rights_of(query.user_id, query.game_ids)
        now = self._clock.now()
        verdicts = [decide_access(each.grants, parent_grants=each.parent_grants, now=now) for each in rights]
        uses = [each.in_use_by for each in rights]
        borrowed = {
            place: Copy(owner_id=verdict.owner_id, game_id=query.game_ids[place])
            for place, verdict in enumerate(verdicts)
            if verdict.owner_id is not None
        }
        if borrowed:
            players = await self._reader.players(list(borrowed.values()))
            for place, use in zip(borrowed, players, strict=True):
                uses[place] = use
        return [
            Access.of(verdict, user_id=query.user_id, use=use)
            for verdict, use in zip(verdicts, uses, strict=True)
        ]
