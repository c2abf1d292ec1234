"""Account over gRPC: the real `Accounts` of `library_domain.library.ports`."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from cachetools import TLRUCache
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from opentelemetry import trace
from prometheus_client import CollectorRegistry

from library_adapters.account.settings import AccountSettings
from library_adapters.platform import Link
from library_adapters.platform._generated.platform.account.v1 import AccountServiceStub, GetUserRequest
from library_domain.shared.ids import UserId


class AccountClient:
    """Asks Account for users and remembers the answers for a while; what it forgets it asks again.

    Construct it inside the running event loop; it connects at the first call, and again whenever that is needed.
    """

    def __init__(
        self,
        settings: AccountSettings,
        *,
        registry: CollectorRegistry,
        tracer_provider: trace.TracerProvider,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic` is the clock of memory and circuit, in seconds; a test turns it by hand."""
        self._link = Link(
            "account", settings, registry=registry, tracer_provider=tracer_provider, monotonic=monotonic
        )
        self._stub = AccountServiceStub(self._link.channel, timeout=settings.limits.try_seconds)

        def good_until(_: UserId, exists: bool, now: float) -> float:  # noqa: FBT001 - the cache's signature
            return now + (settings.known_seconds if exists else settings.unknown_seconds)

        self._remembered = TLRUCache[UserId, bool, float](settings.cached_users, good_until, monotonic)

    async def exists(self, user_id: UserId) -> bool:
        """Tell whether Account knows this user, whatever the state of the account.

        Raises DependencyUnavailable when it, or the issuer of our token, does not answer in time.
        """
        try:
            return self._remembered[user_id]
        except KeyError:
            exists = await self._link.call(
                "platform.account.v1.AccountService/GetUser", partial(self._ask, user_id)
            )
            self._remembered[user_id] = exists
            return exists

    async def close(self) -> None:
        """Close the connections; calls that still run fail."""
        await self._link.close()

    async def _ask(self, user_id: UserId, metadata: Mapping[str, str]) -> bool:
        try:
            await self._stub.get_user(GetUserRequest(user_id=str(user_id)), metadata=metadata)
        except GRPCError as error:
            if error.status is Status.NOT_FOUND:
                return False  # an answer, and a good one
            raise
        return True


@asynccontextmanager
async def open_account(
    settings: AccountSettings,
    *,
    registry: CollectorRegistry,
    tracer_provider: trace.TracerProvider,
) -> AsyncIterator[AccountClient]:
    """Open a client; Account need not be there yet."""
    client = AccountClient(settings, registry=registry, tracer_provider=tracer_provider)
    try:
        yield client
    finally:
        await client.close()
