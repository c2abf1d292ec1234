"""Account, played from a data set: its players exist and are active."""

from collections.abc import Iterable
from uuid import UUID

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from library_adapters.platform._generated.platform.account.v1 import (
    AccountServiceBase,
    AccountStatus,
    GetUserRequest,
    GetUserResponse,
)
from library_devstack.standins.catalog import parse_id


class AccountStandIn(AccountServiceBase):
    """Knows these users and no others."""

    def __init__(self, users: Iterable[UUID]) -> None:
        self._users = frozenset(users)

    async def get_user(self, message: GetUserRequest) -> GetUserResponse:
        """Say that a known user is active."""
        user = parse_id(message.user_id, field="user_id")
        if user not in self._users:
            raise GRPCError(Status.NOT_FOUND, "no such user")
        return GetUserResponse(user_id=str(user), status=AccountStatus.ACTIVE)
