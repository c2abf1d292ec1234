"""Compare what libraries show with what they are made of (details 3.11; issue 4, `verify`)."""

from dataclasses import dataclass

from library_domain.library.model import Discrepancy, discrepancies
from library_domain.library.ports import Shelves
from library_domain.shared.clock import Clock
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyLibraries:
    """Compare the libraries of these users, or of up to `limit` users beyond `after`."""

    users: tuple[UserId, ...] = ()
    after: UserId | None = None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyLibrariesResult:
    """What was found, in how many libraries; and after whom to go on, None at the end."""

    verified: int
    found: tuple[Discrepancy, ...]
    next_after: UserId | None


class VerifyLibrariesHandler:
    """Read, compare, report; mend nothing: a difference is a bug whose traces are still warm."""

    def __init__(self, *, shelves: Shelves, clock: Clock) -> None:
        self._shelves = shelves
        self._clock = clock

    async def __call__(self, query: VerifyLibraries) -> VerifyLibrariesResult:
        users = query.users or await self._shelves.users(after=query.after, limit=query.limit)
        found: list[Discrepancy] = []
        for user_id in users:
            now = self._clock.now()
            found += discrepancies(await self._shelves.of(user_id, now=now), now)
        is_over = bool(query.users) or len(users) < query.limit
        return VerifyLibrariesResult(
            verified=len(users), found=tuple(found), next_after=None if is_over else users[-1]
        )
