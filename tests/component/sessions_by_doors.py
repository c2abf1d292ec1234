"""Sessions by either door: the same steps, told and answered in the same words, REST's."""

import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import httpx2
from builders import user_id
from component.api.door import LIBRARY, Ports, World, bearer, client_of
from fakes.clock import FakeClock, SequentialIds
from fakes.library_reader import FakeLibraryReader
from fakes.playtime_reader import FakePlaytimeReader
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork
from grpclib.client import Channel
from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError
from prometheus_client import CollectorRegistry

from library_adapters.postgres.deadline import within
from library_adapters.postgres.library_reader import PostgresLibraryReader
from library_adapters.postgres.playtime_reader import PostgresPlaytimeReader
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_adapters.system import Uuid7Source
from library_adapters.telemetry import Tracing, TracingSettings
from library_api.app import create_app
from library_domain.library.use_cases.batch_check_game_access import BatchCheckGameAccessHandler
from library_domain.library.use_cases.check_game_ownership import CheckGameOwnershipHandler
from library_domain.playtime.use_cases.show_lifetime import ShowLifetimeHandler
from library_domain.shared.access import Role
from library_grpc._generated.library.v1 import (
    EndGameSessionRequest,
    EndGameSessionResponse,
    GetPlaytimeStatisticsRequest,
    GetPlaytimeStatisticsResponse,
    GetUserPlaytimeRequest,
    GetUserPlaytimeResponse,
    StartGameSessionRequest,
    StartGameSessionResponse,
)
from library_grpc.application import Application
from library_grpc.server import LibraryServer
from library_grpc.settings import GrpcSettings

STATUS: Mapping[int, Status] = {
    400: Status.INVALID_ARGUMENT,
    403: Status.PERMISSION_DENIED,
    404: Status.NOT_FOUND,
    409: Status.FAILED_PRECONDITION,
}
Answer = dict[str, Any]
_SECONDS = 10.0


@dataclass(frozen=True)
class Refused:
    """How a step was refused; of an input that is wrong only the field is compared, whose reason is each door's own."""

    status: Status
    code: str
    details: str

    @classmethod
    def with_details(cls, status: Status, code: str, details: dict[str, Any]) -> "Refused":
        shown = details["field"] if code == "VALIDATION_ERROR" else json.dumps(details, sort_keys=True)
        return cls(status, code, shown)


class Door(Protocol):
    """What can be done at both doors. `members` are REST's."""

    async def start(self, who: str, members: Answer) -> Answer | Refused: ...

    async def end(self, who: str, session_id: str) -> Answer | Refused: ...

    async def stats(self, who: str, members: Answer) -> Answer | Refused: ...


class RestDoor:
    """A player's own client."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def start(self, who: str, members: Answer) -> Answer | Refused:
        return await self._post(who, "start", members, without={"device_id", "platform"})

    async def beat(self, who: str, members: Answer) -> Answer | Refused:
        return await self._post(who, "heartbeat", members)

    async def end(self, who: str, session_id: str) -> Answer | Refused:
        return await self._post(who, "end", {"session_id": session_id})

    async def stats(self, who: str, members: Answer) -> Answer | Refused:
        answer = _told(
            await self._client.get(f"{LIBRARY}/playtime/stats", params=members, headers=bearer(who)),
        )
        if isinstance(answer, Refused):
            return answer
        names = ("total_playtime_seconds", "sessions_count", "average_session_seconds", "periods")
        return {name: answer[name] for name in names}

    async def _post(
        self, who: str, path: str, members: Answer, *, without: Collection[str] = ()
    ) -> Answer | Refused:
        response = await self._client.post(f"{LIBRARY}/playtime/{path}", json=members, headers=bearer(who))
        answer = _told(response)
        if isinstance(answer, Refused):
            return answer
        return {name: value for name, value in answer.items() if name not in without}


class GrpcDoor:
    """Another service, in the name of the player."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def start(self, who: str, members: Answer, *, timeout: float = _SECONDS) -> Answer | Refused:  # noqa: ASYNC109 - the caller's deadline
        told = dict(members)
        if "client_timestamp" in told:
            told["client_timestamp"] = datetime.fromisoformat(told["client_timestamp"])
        request = StartGameSessionRequest(user_id=str(user_id(who)), **told)
        return await self._call(
            "LibraryCommandService/StartGameSession",
            request,
            StartGameSessionResponse,
            timeout,
            lambda answer: {
                "session_id": answer.session_id,
                "game_id": answer.game_id,
                "start_time": _text(answer.start_time),
                "status": answer.status,
                "resumed": answer.resumed,
                "next_heartbeat_in_seconds": answer.next_heartbeat_in_seconds,
            },
        )

    async def end(self, who: str, session_id: str, *, timeout: float = _SECONDS) -> Answer | Refused:  # noqa: ASYNC109
        return await self._call(
            "LibraryCommandService/EndGameSession",
            EndGameSessionRequest(user_id=str(user_id(who)), session_id=session_id),
            EndGameSessionResponse,
            timeout,
            lambda answer: {
                "session_id": answer.session_id,
                "game_id": answer.game_id,
                "start_time": _text(answer.start_time),
                "end_time": _text(answer.end_time),
                "status": answer.status,
                "end_reason": answer.end_reason,
                "duration_seconds": answer.duration,
                "afk_seconds": answer.afk_seconds,
                "suspended_seconds": answer.suspended_seconds,
                "total_playtime_seconds": answer.total_playtime,
            },
        )

    async def stats(self, who: str, members: Answer) -> Answer | Refused:
        renamed = {"from": "start_date", "to": "end_date"}
        told: dict[str, Any] = {
            renamed.get(name, name): datetime.fromisoformat(value) if name in renamed else value
            for name, value in members.items()
        }
        answer = await self._call(
            "LibraryQueryService/GetPlaytimeStatistics",
            GetPlaytimeStatisticsRequest(user_id=str(user_id(who)), **told),
            GetPlaytimeStatisticsResponse,
            _SECONDS,
            lambda answer: {
                "total_playtime_seconds": answer.total_playtime,
                "sessions_count": answer.total_sessions,
                "average_session_seconds": int(answer.average_session_duration),
                "periods": [
                    {
                        "period": each.period,
                        "total_playtime_seconds": each.playtime,
                        "sessions_count": each.sessions,
                        "games_played": each.games_played,
                    }
                    for each in answer.aggregations
                ],
            },
        )
        if isinstance(answer, Refused) and answer.code == "VALIDATION_ERROR":
            own = {new: name for name, new in renamed.items()}
            return Refused(answer.status, answer.code, own.get(answer.details, answer.details))
        return answer

    async def lifetime(self, who: str, *, limit: int) -> list[GetUserPlaytimeResponse]:
        """Return every page of what was ever played."""
        pages: list[GetUserPlaytimeResponse] = []
        token = ""
        while not pages or token:
            request = GetUserPlaytimeRequest(user_id=str(user_id(who)), limit=limit, page_token=token)
            async with self._open("LibraryQueryService/GetPlaytimeStats", GetUserPlaytimeResponse) as stream:
                await stream.send_message(request, end=True)
                page = await stream.recv_message()
            assert page is not None
            pages.append(page)
            token = page.next_page_token
        return pages

    async def _call(
        self, method: str, request: Any, answer_type: type[Any], seconds: float, told: Callable[[Any], Answer]
    ) -> Answer | Refused:
        stream = self._open(method, answer_type, seconds)
        try:
            async with stream:
                await stream.send_message(request, end=True)
                answer = await stream.recv_message()
        except GRPCError as error:
            trailers = stream.trailing_metadata or {}
            details = json.loads(str(trailers.get("error-details", "{}")))
            return Refused.with_details(error.status, str(trailers["error-code"]), details)
        assert answer is not None
        return told(answer)

    def _open(self, method: str, answer_type: type[Any], seconds: float = _SECONDS) -> Any:
        token = {name.lower(): value for name, value in bearer("launcher", Role.SYSTEM).items()}
        return self._channel.request(
            f"/library.v1.{method}",
            Cardinality.UNARY_UNARY,
            object,
            answer_type,
            metadata=token,
            timeout=seconds,
        )


def in_memory() -> World:
    store, clock, ids = Store(), FakeClock(), SequentialIds()
    ports = Ports(
        uow=FakeUnitOfWork(store, clock=clock, ids=ids),
        library=FakeLibraryReader(store),
        playtime=FakePlaytimeReader(store),
    )
    return World(store=store, clock=clock, ids=ids, ports=ports)


def in_postgres(pool: Pool, settings: PostgresSettings) -> World:
    clock, ids = FakeClock(), Uuid7Source()
    ports = Ports(
        uow=PostgresUnitOfWork(pool, settings, clock=clock, ids=ids),
        library=PostgresLibraryReader(pool),
        playtime=PostgresPlaytimeReader(pool),
    )
    return World(clock=clock, ids=ids, ports=ports)


@asynccontextmanager
async def doors_of(world: World) -> AsyncIterator[tuple[RestDoor, GrpcDoor]]:
    """Open both doors of the world."""
    ready, ports = world.use_cases, world.ports
    assert ports is not None
    server = LibraryServer(
        Application(
            list_library=ready["list_library"],
            check_access=ready["check_game_access"],
            batch_check_access=BatchCheckGameAccessHandler(reader=ports.library, clock=world.clock),
            check_ownership=CheckGameOwnershipHandler(reader=ports.library, clock=world.clock),
            show_lifetime=ShowLifetimeHandler(reader=ports.playtime),
            show_stats=ready["show_stats"],
            start_session=ready["start_session"],
            end_session=ready["end_session"],
            within=within,
            tokens=world.tokens,
            ids=SequentialIds(),
            tracing=Tracing(TracingSettings(), component="grpc"),
            registry=CollectorRegistry(),
        ),
        GrpcSettings(port=0, notice_seconds=0.0),
    )
    async with (
        server,
        Channel("127.0.0.1", server.port) as channel,
        client_of(create_app(world.application())) as client,
    ):
        yield RestDoor(client), GrpcDoor(channel)


def _told(response: httpx2.Response) -> Answer | Refused:
    body = response.json()
    if response.status_code == 200:
        answer: Answer = body["data"]
        return answer
    error = body["error"]
    return Refused.with_details(STATUS[response.status_code], error["code"], error["details"])


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
