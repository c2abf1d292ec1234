"""Account as a test scripts it, on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.server import Server
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from unit.adapters.catalog.scripted import LIMITS, Monotonic, ScriptedIssuer

from library_adapters.account import AccountClient, AccountSettings
from library_adapters.platform import CallLimits
from library_adapters.platform._generated.platform.account.v1 import (
    AccountServiceBase,
    AccountStatus,
    GetUserRequest,
    GetUserResponse,
)


class ScriptedAccount(AccountServiceBase):
    """Knows `users`; a `failure` is raised instead of any answer."""

    def __init__(self, *users: UUID) -> None:
        self.users = {str(user): AccountStatus.ACTIVE for user in users}
        self.failure: Status | None = None
        self.asked: list[str] = []

    async def get_user(self, message: GetUserRequest) -> GetUserResponse:
        self.asked.append(message.user_id)
        if self.failure is not None:
            raise GRPCError(self.failure)
        if message.user_id not in self.users:
            raise GRPCError(Status.NOT_FOUND)
        return GetUserResponse(user_id=message.user_id, status=self.users[message.user_id])


@asynccontextmanager
async def serving(account: ScriptedAccount) -> AsyncIterator[int]:
    """Serve Account; yield its port."""
    server = Server([account])
    await server.start("127.0.0.1", 0)
    assert server._server is not None
    try:
        yield server._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def a_client(
    port: int,
    issuer: ScriptedIssuer,
    *,
    monotonic: Monotonic | None = None,
    registry: CollectorRegistry | None = None,
    **settings: Any,
) -> AsyncIterator[AccountClient]:
    limits: dict[str, Any] = dict(LIMITS)
    client = AccountClient(
        AccountSettings(
            address=f"127.0.0.1:{port}",
            token_url=f"http://127.0.0.1:{issuer.port}/token",
            client_id="library",
            client_secret=SecretStr("s3cret"),
            limits=CallLimits(**limits),
            **settings,
        ),
        registry=registry or CollectorRegistry(),
        tracer_provider=TracerProvider(shutdown_on_exit=False),
        monotonic=monotonic or Monotonic(),
    )
    try:
        yield client
    finally:
        await client.close()
