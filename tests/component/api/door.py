"""The REST door in this process: the real application over fakes of its ports."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid5

import httpx2
from builders import NAMESPACE, NOON, a_grant, user_id
from fakes.clock import FakeClock, SequentialIds
from fakes.library_reader import FakeLibraryReader
from fakes.store import Store
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from library_adapters.telemetry import Tracing, TracingSettings
from library_adapters.tokens import Identity
from library_api.application import Application
from library_domain.catalog.model import Game
from library_domain.library.model import Grant, LibraryEntry
from library_domain.library.use_cases.list_library import ListLibraryHandler
from library_domain.library.use_cases.show_item import ShowItemHandler
from library_domain.shared.access import Role
from library_domain.shared.errors import Forbidden, Unauthenticated

LIBRARY = "/api/v1/library"


def bearer(user: str = "alice", *roles: Role) -> dict[str, str]:
    """Return the header of a token that the fake verifier takes: a user's name and roles."""
    return {"Authorization": f"Bearer {'.'.join([user, *(roles or (Role.USER,))])}"}


class FakeTokens:
    """Takes `name.role.role…` for a token; `nobody…` is refused, and so is a token without a role."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def verify(self, token: str) -> Identity:
        self.seen.append(token)
        name, *roles = token.split(".")
        if name == "nobody":
            raise Unauthenticated
        if not roles:
            raise Forbidden
        return Identity(
            subject=user_id(name),
            roles=frozenset(Role(role) for role in roles),
            expires_at=NOON + timedelta(hours=1),
        )


class Switch:
    """A use case that can be told to fail, or to do something first; otherwise it is the real one."""

    def __init__(self, handler: Callable[[Any], Awaitable[Any]]) -> None:
        self._handler = handler
        self.raises: BaseException | None = None
        self.first: Callable[[], Awaitable[object]] | None = None
        self.calls = 0

    async def __call__(self, query: Any) -> Any:
        self.calls += 1
        if self.first is not None:
            await self.first()
        if self.raises is not None:
            raise self.raises
        return await self._handler(query)


@dataclass
class World:
    """What stands behind the door, and what it told."""

    store: Store = field(default_factory=Store)
    clock: FakeClock = field(default_factory=FakeClock)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        reader = FakeLibraryReader(self.store)
        self.list_library = Switch(ListLibraryHandler(reader=reader, clock=self.clock))
        self.show_item = Switch(ShowItemHandler(reader=reader, clock=self.clock))

    def application(self, **overrides: Any) -> Application:
        parts: dict[str, Any] = {
            "list_library": self.list_library,
            "show_item": self.show_item,
            "tokens": self.tokens,
            "ids": SequentialIds(),
            "tracing": Tracing(TracingSettings(ratio=1.0), component="api", exporter=self.spans),
            "registry": self.registry,
        }
        return Application(**parts | overrides)

    def own(self, game: Game, *, by: str = "alice", grant: Grant | None = None) -> None:
        """Let the user have the game."""
        right = grant or a_grant()
        entry = LibraryEntry.open(
            entry_id=uuid5(NAMESPACE, f"entry {by} {game.game_id}"),
            user_id=user_id(by),
            game_id=game.game_id,
            product_type=game.product_type,
            grant=right,
            now=NOON,
        )
        entry.add(right, now=NOON, game_name=game.name)
        self.store.games[game.game_id] = game
        self.store.entries[entry.user_id, entry.game_id] = entry

    def counted(self, operation: str, outcome: str) -> float:
        labels: Mapping[str, str] = {"door": "rest", "operation": operation, "outcome": outcome}
        return self.registry.get_sample_value("library_requests_total", dict(labels)) or 0.0


def client_of(app: Any) -> httpx2.AsyncClient:
    """Return a client of the application; what the application raises comes out of the call."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://library.test")


def refusal(response: httpx2.Response) -> tuple[int, str, dict[str, Any]]:
    """Return status, code and details of a refusal, after looking at what every one of them has."""
    body = response.json()
    assert body.keys() == {"status", "data", "error"}
    assert (body["status"], body["data"]) == ("error", None)
    assert body["error"].keys() == {"code", "message", "details"}
    assert body["error"]["message"]
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Vary"] == "Accept-Language"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Request-ID"]
    return response.status_code, body["error"]["code"], body["error"]["details"]


def data(response: httpx2.Response) -> Any:
    """Return the data of a success, after looking at what every one of them has."""
    assert response.status_code == 200, response.text
    body = response.json()
    assert list(body) == ["status", "data", "error"]
    assert (body["status"], body["error"]) == ("success", None)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Request-ID"]
    return body["data"]
