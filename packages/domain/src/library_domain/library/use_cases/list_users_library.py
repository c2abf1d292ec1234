"""Show a part of another user's library to support (contract, GET /users/{user_id}/library)."""

from dataclasses import dataclass, field

from library_domain.library.errors import UserNotFound
from library_domain.library.events import LibraryRead
from library_domain.library.ports import Accounts, LibraryUnitOfWork
from library_domain.library.queries import LibraryPage, LibraryQuery, LibraryReader
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsersLibrary:
    """Ask for a part of this user's library, on behalf of `asked_by`."""

    user_id: UserId
    asked_by: UserId
    query: LibraryQuery = field(default_factory=LibraryQuery)


class ListUsersLibraryHandler:
    """Audit the look, then look (details 1.14): nobody sees what the log does not know of. One's own is not audited.

    Raises UserNotFound for a user that Account does not know. While Account is away support is served all the same
    (details 1.9).
    """

    def __init__(
        self, *, reader: LibraryReader, accounts: Accounts, uow: LibraryUnitOfWork, clock: Clock
    ) -> None:
        self._reader = reader
        self._accounts = accounts
        self._uow = uow
        self._clock = clock

    async def __call__(self, query: ListUsersLibrary) -> LibraryPage:
        now = self._clock.now()
        if query.asked_by != query.user_id:
            if await self._is_unknown(query.user_id):
                raise UserNotFound(user_id=query.user_id)
            async with self._uow.begin() as tx:
                tx.record(LibraryRead(user_id=query.user_id, game_id=None, occurred_at=now))
        return await self._reader.page(query.user_id, query.query, now=now)

    async def _is_unknown(self, user_id: UserId) -> bool:
        try:
            return not await self._accounts.exists(user_id)
        except DependencyUnavailable:
            return False
