"""The question that games ask before they start: may this player play? Over gRPC, as another service."""

from dataclasses import dataclass
from uuid import UUID

import betterproto2
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.exceptions import GRPCError

from library_devstack.stack import StackError
from library_devstack.standins.issuer import Issuer, client_user_id

_TIMEOUT_SECONDS = 5.0


# Our own spelling of two messages of library.v1, by their field numbers: the generated ones belong to the gRPC
# service, which tools do not import (architecture, law 1). A test compares the two.
@dataclass(eq=False, repr=False)
class CheckGameAccessRequest(betterproto2.Message):
    """Of library.v1."""

    user_id: str = betterproto2.field(1, betterproto2.TYPE_STRING)
    game_id: str = betterproto2.field(2, betterproto2.TYPE_STRING)


@dataclass(eq=False, repr=False)
class CheckGameAccessResponse(betterproto2.Message):
    """Of library.v1, the part that is shown."""

    has_access: bool = betterproto2.field(1, betterproto2.TYPE_BOOL)
    access_type: str = betterproto2.field(2, betterproto2.TYPE_STRING)
    reason: str = betterproto2.field(3, betterproto2.TYPE_STRING)


async def ask(address: str, issuer: Issuer, *, user: UUID, game: UUID) -> CheckGameAccessResponse:
    """Call CheckGameAccess with a system token. Raises StackError when it is refused or not answered."""
    host, _, port = address.rpartition(":")
    async with Channel(host, int(port)) as channel:
        check = UnaryUnaryMethod[CheckGameAccessRequest, CheckGameAccessResponse](
            channel,
            "/library.v1.LibraryQueryService/CheckGameAccess",
            CheckGameAccessRequest,
            CheckGameAccessResponse,
        )
        try:
            return await check(
                CheckGameAccessRequest(user_id=str(user), game_id=str(game)),
                timeout=_TIMEOUT_SECONDS,
                metadata={"authorization": f"Bearer {issuer.mint(client_user_id('library-dev'), 'system')}"},
            )
        except GRPCError as refused:
            raise StackError(
                f"CheckGameAccess answered {refused.status.name}: {refused.message}"
            ) from refused
        except OSError as problem:
            raise StackError(f"{address} does not answer: {problem}") from problem
