"""Does this user own this game, since when, and which of its DLC? (contract 5, CheckGameOwnership)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from library_domain.library.model import AcquisitionType, best
from library_domain.library.queries import LibraryReader
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckGameOwnership:
    """Ask about this game for this user; neither needs to exist."""

    user_id: UserId
    game_id: GameId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """The strongest live right; a borrowed game is held (`acquisition_type` family) but not owned (details 1.10)."""

    owned: bool
    acquisition_type: AcquisitionType | None = None
    acquired_at: datetime | None = None
    dlc_owned: Sequence[GameId] = ()


class CheckGameOwnershipHandler:
    """Read the rights as they are now."""

    def __init__(self, *, reader: LibraryReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(self, query: CheckGameOwnership) -> Ownership:
        now = self._clock.now()
        rights = await self._reader.rights(query.user_id, query.game_id)
        held = best(rights.grants, now)
        if held is None:
            return Ownership(owned=False)
        return Ownership(
            owned=held.acquisition_type is not AcquisitionType.FAMILY,
            acquisition_type=held.acquisition_type,
            acquired_at=held.granted_at,
            dlc_owned=await self._reader.owned_dlc(query.user_id, query.game_id, now=now),
        )
