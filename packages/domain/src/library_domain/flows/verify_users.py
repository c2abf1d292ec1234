"""Compare what users are shown with what it is made of (details 3.11; issues 4 and 6, `verify`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from library_domain.library.model import discrepancies as of_library
from library_domain.library.ports import Shelves
from library_domain.playtime.model import discrepancies as of_playtime
from library_domain.playtime.ports import Ledgers
from library_domain.shared.clock import Clock
from library_domain.shared.discrepancy import Discrepancy
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyUsers:
    """Compare the libraries and the playtime of these users, or of up to `limit` users beyond `after`."""

    users: tuple[UserId, ...] = ()
    after: UserId | None = None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyUsersResult:
    """What was found, with how many users; and after whom to go on, None at the end."""

    verified: int
    found: tuple[Discrepancy, ...]
    next_after: UserId | None


class Users(Protocol):
    """Everybody but the erased."""

    async def after(self, user_id: UserId | None, *, limit: int) -> Sequence[UserId]:
        """Return up to `limit` users beyond this one, by id.

        Raises DependencyUnavailable when the database does not answer in time.
        """
        ...


class VerifyUsersHandler:
    """Read, compare, report; mend nothing: a difference is a bug whose traces are still warm."""

    def __init__(self, *, users: Users, shelves: Shelves, ledgers: Ledgers, clock: Clock) -> None:
        self._users = users
        self._shelves = shelves
        self._ledgers = ledgers
        self._clock = clock

    async def __call__(self, query: VerifyUsers) -> VerifyUsersResult:
        users = query.users or await self._users.after(query.after, limit=query.limit)
        found: list[Discrepancy] = []
        for user_id in users:
            now = self._clock.now()
            found += of_library(await self._shelves.of(user_id, now=now), now)
            found += of_playtime(await self._ledgers.of(user_id))
        is_over = bool(query.users) or len(users) < query.limit
        return VerifyUsersResult(
            verified=len(users), found=tuple(found), next_after=None if is_over else users[-1]
        )
