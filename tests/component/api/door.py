"""The REST door in this process: the real application over fakes of its ports."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid5

import httpx2
from builders import NAMESPACE, NOON, a_grant, user_id
from fakes.accounts import FakeAccounts
from fakes.clock import FakeClock, SequentialIds
from fakes.library_reader import FakeLibraryReader
from fakes.playtime_reader import FakePlaytimeReader
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from library_adapters.redis import Quota
from library_adapters.telemetry import Tracing, TracingSettings
from library_adapters.tokens import Identity
from library_api.application import Application
from library_domain.catalog.model import Game
from library_domain.flows.start_session import StartSessionHandler
from library_domain.library.model import Grant, LibraryEntry
from library_domain.library.use_cases.check_game_access import CheckGameAccessHandler
from library_domain.library.use_cases.create_category import CreateCategoryHandler
from library_domain.library.use_cases.delete_category import DeleteCategoryHandler
from library_domain.library.use_cases.edit_category import EditCategoryHandler
from library_domain.library.use_cases.edit_item import EditItemHandler
from library_domain.library.use_cases.file_item import FileItemHandler
from library_domain.library.use_cases.list_categories import ListCategoriesHandler
from library_domain.library.use_cases.list_collections import ListCollectionsHandler
from library_domain.library.use_cases.list_library import ListLibraryHandler
from library_domain.library.use_cases.list_users_library import ListUsersLibraryHandler
from library_domain.library.use_cases.show_item import ShowItemHandler
from library_domain.library.use_cases.show_version import ShowVersionHandler
from library_domain.library.use_cases.unfile_item import UnfileItemHandler
from library_domain.playtime.use_cases.end_session import EndSessionHandler
from library_domain.playtime.use_cases.list_running_sessions import ListRunningSessionsHandler
from library_domain.playtime.use_cases.list_sessions import ListSessionsHandler
from library_domain.playtime.use_cases.record_heartbeat import RecordHeartbeatHandler
from library_domain.playtime.use_cases.show_report import ShowReportHandler
from library_domain.playtime.use_cases.show_stats import ShowStatsHandler
from library_domain.playtime.use_cases.show_users_stats import ShowUsersStatsHandler
from library_domain.shared.access import Role
from library_domain.shared.errors import Forbidden, Unauthenticated
from library_domain.shared.ids import IdSource
from library_domain.shared.looks import Looks

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


class FakeLimits:
    """Gives each caller so many requests; None stands for a Redis that does not answer."""

    def __init__(self, limit: int | None = 1_000) -> None:
        self.limit = limit
        self.taken: Counter[str] = Counter()
        self.bursts: Counter[str] = Counter()

    async def take(self, caller: str, *, may_burst: bool = False) -> Quota | None:
        self.bursts[caller] += may_burst
        if self.limit is None:
            return None
        is_admitted = self.taken[caller] < self.limit
        self.taken[caller] += is_admitted
        return Quota(
            limit=self.limit,
            remaining=self.limit - self.taken[caller],
            window_seconds=15,
            reset_seconds=7,
            is_admitted=is_admitted,
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


@dataclass(frozen=True)
class Ports:
    """What the use cases stand on."""

    uow: Any
    library: Any
    playtime: Any


@dataclass
class World:
    """What stands behind the door, and what it told: fakes over `store`, unless it is given other ports."""

    store: Store = field(default_factory=Store)
    clock: FakeClock = field(default_factory=FakeClock)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    limits: FakeLimits = field(default_factory=FakeLimits)
    accounts: FakeAccounts = field(default_factory=FakeAccounts)
    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    ids: IdSource = field(default_factory=SequentialIds)
    ports: Ports | None = None

    def __post_init__(self) -> None:
        clock, ids = self.clock, self.ids
        ports = self.ports or Ports(
            uow=FakeUnitOfWork(self.store, clock=clock, ids=ids),
            library=FakeLibraryReader(self.store),
            playtime=FakePlaytimeReader(self.store),
        )
        reader, playtime = ports.library, ports.playtime
        self.uow = uow = ports.uow
        looks = Looks(accounts=self.accounts, uow=uow, clock=clock)
        self.list_library = Switch(ListLibraryHandler(reader=reader, clock=clock))
        self.show_item = Switch(ShowItemHandler(reader=reader, clock=clock))
        self.create_category = Switch(CreateCategoryHandler(uow=uow, clock=clock, ids=ids))
        self.file_item = Switch(FileItemHandler(uow=uow, clock=clock, ids=ids))
        self.start_session = Switch(StartSessionHandler(uow=uow, clock=clock, ids=ids))
        self.record_heartbeat = Switch(RecordHeartbeatHandler(uow=uow, clock=clock))
        self.end_session = Switch(EndSessionHandler(uow=uow, clock=clock))
        self.use_cases: dict[str, Any] = {
            "list_library": self.list_library,
            "show_item": self.show_item,
            "edit_item": EditItemHandler(uow=uow, reader=reader, clock=clock, ids=ids),
            "check_game_access": CheckGameAccessHandler(reader=reader, clock=clock),
            "file_item": self.file_item,
            "unfile_item": UnfileItemHandler(uow=uow, clock=clock),
            "list_categories": ListCategoriesHandler(reader=reader, clock=clock),
            "create_category": self.create_category,
            "edit_category": EditCategoryHandler(uow=uow, reader=reader, clock=clock),
            "delete_category": DeleteCategoryHandler(uow=uow, clock=clock),
            "list_collections": ListCollectionsHandler(reader=reader, clock=clock),
            "list_users_library": ListUsersLibraryHandler(reader=reader, looks=looks, clock=clock),
            "show_version": ShowVersionHandler(reader=reader, clock=clock),
            "start_session": self.start_session,
            "record_heartbeat": self.record_heartbeat,
            "end_session": self.end_session,
            "list_sessions": ListSessionsHandler(reader=playtime),
            "list_running_sessions": ListRunningSessionsHandler(reader=playtime),
            "show_stats": ShowStatsHandler(reader=playtime, clock=clock),
            "show_report": ShowReportHandler(reader=playtime),
            "show_users_stats": ShowUsersStatsHandler(reader=playtime, looks=looks, clock=clock),
        }

    def application(self, **overrides: Any) -> Application:
        parts: dict[str, Any] = {
            **self.use_cases,
            "claims": self.uow,
            "tokens": self.tokens,
            "limits": self.limits,
            "cursor_key": b"a key of at least thirty-two bytes",
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


def data(response: httpx2.Response, status: int = 200) -> Any:
    """Return the data of a success, after looking at what every one of them has."""
    assert response.status_code == status, response.text
    body = response.json()
    assert list(body) == ["status", "data", "error"]
    assert (body["status"], body["error"]) == ("success", None)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] in {"private, no-cache", "no-store"}
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Request-ID"]
    return body["data"]
