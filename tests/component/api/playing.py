"""A player at the REST door in this process, over real stores and a clock of the test's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
from builders import a_purchase, game_id
from component.api.door import LIBRARY, Ports, World, bearer, client_of, data
from conftest import postgres_settings
from fakes.clock import FakeClock
from uuid_utils.compat import uuid7

from library_adapters.postgres.library_reader import PostgresLibraryReader
from library_adapters.postgres.playtime_reader import PostgresPlaytimeReader
from library_adapters.postgres.pool import Pool, open_pool
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_adapters.system import Uuid7Source
from library_api.app import create_app
from library_domain.flows.add_to_library import AddToLibrary, AddToLibraryHandler
from library_domain.shared.access import Role

PLAYTIME = f"{LIBRARY}/playtime"
DEVICE = "desktop_client_001"
GAME = game_id("Portal 2")
STARTS = [f"{PLAYTIME}/start", f"{LIBRARY}/games/{GAME}/session/start"]
ENDS = [f"{PLAYTIME}/end", f"{LIBRARY}/games/{GAME}/session/end"]
ABSENT = str(uuid7())
"""The id of a session that is nobody's."""


def beginning(path: str, **members: Any) -> dict[str, Any]:
    """Return the smallest body for either spelling of a start."""
    named = {} if "games" in path else {"game_id": str(GAME)}
    return named | {"device_id": DEVICE} | members


@dataclass
class Player:
    """Somebody who plays; what they are answered is returned as it is."""

    client: httpx2.AsyncClient
    world: World
    name: str = "alice"
    roles: tuple[Role, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
        return await self.client.post(path, json=body, headers=self._headers(**headers))

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.client.get(path, headers=self._headers(**headers))

    async def start(self, game: str = "Portal 2", device: str = DEVICE, **members: Any) -> httpx2.Response:
        body = {"game_id": str(game_id(game)), "device_id": device} | members
        return await self.post(f"{PLAYTIME}/start", body)

    async def beat(self, session: str, **members: Any) -> httpx2.Response:
        return await self.post(f"{PLAYTIME}/heartbeat", {"session_id": session} | members)

    async def end(self, session: str, **members: Any) -> httpx2.Response:
        return await self.post(f"{PLAYTIME}/end", {"session_id": session} | members)

    async def session(self, game: str = "Portal 2", device: str = DEVICE, **members: Any) -> str:
        """Begin a session and return its id."""
        started = data(await self.start(game, device, **members))
        assert not started["resumed"]
        return str(UUID(started["session_id"]))

    async def play(self, minutes: int, game: str = "Portal 2") -> Any:
        """Play a whole session and return how it ended."""
        session = await self.session(game)
        for _ in range(minutes):
            self.wait(minutes=1)
            data(await self.beat(session))
        return data(await self.end(session))

    async def sessions(self, query: str = "") -> Any:
        return data(await self.get(f"{PLAYTIME}/sessions?{query}"))

    def wait(self, **span: float) -> None:
        self.world.clock.advance(timedelta(**span))

    def _headers(self, **headers: str) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return bearer(self.name, *self.roles) | self.headers | named


@dataclass(frozen=True)
class House:
    """The door, and what is behind it."""

    world: World
    pool: Pool
    client: httpx2.AsyncClient

    def player(self, name: str = "alice", *roles: Role) -> Player:
        return Player(self.client, self.world, name, roles)

    async def give(self, *games: str, to: str = "alice") -> None:
        for game in games:
            await self.add(a_purchase(game, by=to))

    async def add(self, purchase: AddToLibrary) -> None:
        add = AddToLibraryHandler(uow=self.world.uow, clock=self.world.clock, ids=self.world.ids)
        await add(purchase)

    async def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(query, parameters)
            return await cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def house(database: str) -> AsyncIterator[House]:
    """Open the door over this database."""
    settings = postgres_settings(database, pool_max=5)
    async with open_pool(settings) as pool:
        clock, ids = FakeClock(), Uuid7Source()
        ports = Ports(
            uow=PostgresUnitOfWork(pool, settings, clock=clock, ids=ids),
            library=PostgresLibraryReader(pool),
            playtime=PostgresPlaytimeReader(pool),
        )
        world = World(clock=clock, ids=ids, ports=ports)
        async with client_of(create_app(world.application())) as client:
            yield House(world, pool, client)
