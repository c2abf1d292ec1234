"""Catalog and the issuer of tokens as a test scripts them, on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from grpclib.const import Status
from grpclib.events import RecvRequest, listen
from grpclib.exceptions import GRPCError
from grpclib.server import Server
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from library_adapters.catalog import CatalogClient, CatalogSettings
from library_adapters.platform import CallLimits
from library_adapters.platform._generated.platform.catalog.v1 import (
    BatchGetGamesRequest,
    BatchGetGamesResponse,
    CatalogServiceBase,
    Game,
)
from library_domain.shared.ids import GameId

UPDATED_AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LIMITS = {"try_seconds": 1.0, "total_seconds": 5.0, "pause_seconds": 0.001}


def game_id(number: int) -> GameId:
    return GameId(UUID(int=(7 << 76) | (8 << 60) | number))


def described(number: int, **members: Any) -> Game:
    """Describe a game that is valid unless `members` says otherwise."""
    values: dict[str, Any] = {"name": f"Game {number}", "product_type": "game", "updated_at": UPDATED_AT}
    return Game(game_id=str(game_id(number)), **values | members)


class ScriptedCatalog(CatalogServiceBase):
    """Describes `games`; `failures` are raised first, one per call; `does` is awaited before each answer."""

    def __init__(self) -> None:
        self.games: dict[str, Game] = {}
        self.failures: list[Status] = []
        self.does: Callable[[], Awaitable[object]] | None = None
        self.asked: list[list[str]] = []
        self.metadata: list[dict[str, str]] = []
        self.connections: set[int] = set()

    def describe(self, *games: Game) -> None:
        self.games |= {game.game_id: game for game in games}

    async def note(self, event: RecvRequest) -> None:
        self.metadata.append({name: str(value) for name, value in event.metadata.items()})
        address = event.peer.addr()
        assert address is not None
        self.connections.add(address[1])

    async def batch_get_games(self, message: BatchGetGamesRequest) -> BatchGetGamesResponse:
        self.asked.append(message.ids)
        if self.does is not None:
            await self.does()
        if self.failures:
            raise GRPCError(self.failures.pop(0))
        return BatchGetGamesResponse(games=[self.games[each] for each in message.ids if each in self.games])


class ScriptedIssuer:
    """Gives token-1, token-2 …; with a `status` other than 200 it gives none."""

    def __init__(self) -> None:
        self.status: int = HTTPStatus.OK
        self.expires_in = 3600
        self.fetched = 0
        self.bodies: list[str] = []
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.lower().splitlines() if line.startswith("content-length")
        )
        self.bodies.append((await reader.readexactly(length)).decode())
        self.fetched += 1
        token = {
            "access_token": f"token-{self.fetched}",
            "token_type": "Bearer",
            "expires_in": self.expires_in,
        }
        body = json.dumps(token if self.status == HTTPStatus.OK else {"error": "invalid_client"})
        writer.write(
            f"HTTP/1.1 {self.status} Whatever\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()


class Monotonic:
    """A clock that a test turns, in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def serving(catalog: ScriptedCatalog, port: int = 0) -> AsyncIterator[int]:
    """Serve Catalog; yield its port."""
    server = Server([catalog])
    listen(server, RecvRequest, catalog.note)
    await server.start("127.0.0.1", port)
    assert server._server is not None
    try:
        yield server._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def issuing(issuer: ScriptedIssuer) -> AsyncIterator[None]:
    server = await asyncio.start_server(issuer.answer, "127.0.0.1")
    issuer.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


def client_of(
    port: int,
    issuer: ScriptedIssuer,
    *,
    registry: CollectorRegistry | None = None,
    monotonic: Monotonic | None = None,
    tracer_provider: TracerProvider | None = None,
    cached_games: int = 10_000,
    **limits: Any,
) -> CatalogClient:
    settings = CatalogSettings(
        address=f"127.0.0.1:{port}",
        token_url=f"http://127.0.0.1:{issuer.port}/token",
        client_id="library",
        client_secret=SecretStr("s3cret"),
        cached_games=cached_games,
        limits=CallLimits(**LIMITS | limits),
    )
    return CatalogClient(
        settings,
        registry=registry or CollectorRegistry(),
        tracer_provider=tracer_provider or TracerProvider(shutdown_on_exit=False),
        monotonic=monotonic or Monotonic(),
    )
