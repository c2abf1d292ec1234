"""Sessions: start, heartbeat, end, and lists of them (contract 2 and 4.2; details 3.8)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody, SkipValidation
from litestar.status_codes import HTTP_200_OK

from library_api.application import Wired
from library_api.conditional import CACHE_CONTROL, NO_STORE, VERSION, VERSIONED, cursor_prefix
from library_api.envelope import Success
from library_api.idempotency import OPT_OUT
from library_api.metering import MAY_BURST
from library_api.openapi import ALIAS, refusals
from library_api.parameters import acting_user, parse_game_id
from library_api.routes.paths import PLAYTIME, SESSION_OF_GAME, GamePath
from library_api.routes.session_query import AskedSessions, SessionList, asked_sessions
from library_api.routes.shapes import Body
from library_api.strict_json import TEXT_PATTERN
from library_domain.catalog.model import Platform
from library_domain.flows.start_session import StartSession
from library_domain.library.errors import AccessDenied, GameNotFound
from library_domain.playtime.errors import GameInUse, SessionAlreadyActive, SessionEnded, SessionNotFound
from library_domain.playtime.model import (
    HEARTBEAT_INTERVAL,
    EndReason,
    SessionId,
    SessionStatus,
)
from library_domain.playtime.use_cases.end_session import EndSession
from library_domain.playtime.use_cases.list_running_sessions import ListRunningSessions
from library_domain.playtime.use_cases.list_sessions import ListSessions
from library_domain.playtime.use_cases.record_heartbeat import RecordHeartbeat
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import GameId

_NEXT_HEARTBEAT = int(HEARTBEAT_INTERVAL.total_seconds())
_MAX_SECONDS = 2**31 - 1

DeviceId = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=100,
        pattern=TEXT_PATTERN,
        description="The device; `client_id` is another name for it.",
        examples=["desktop_client_001"],
    ),
]
ClientTime = Annotated[
    datetime,
    msgspec.Meta(
        tz=True,
        description="The device's own time. Noted if it is far off, never trusted.",
        examples=["2026-11-23T12:00:00Z"],
    ),
]
Version = Annotated[str, msgspec.Meta(min_length=1, max_length=50, pattern=TEXT_PATTERN, examples=["2.1.5"])]
Takeover = Annotated[
    bool,
    msgspec.Meta(description="End the session of another device, if there is one, instead of being refused."),
]
IdleSeconds = Annotated[
    int, msgspec.Meta(ge=0, le=_MAX_SECONDS, description="How long ago the player last touched anything.")
]
SuspendedSeconds = Annotated[
    int,
    msgspec.Meta(
        ge=0, le=_MAX_SECONDS, description="How long the device slept since the last heartbeat, or the start."
    ),
]


class Play(Body, frozen=True, kw_only=True):
    """The device that begins to play: `device_id` or `client_id` is needed; if both are given they must be equal."""

    device_id: DeviceId | msgspec.UnsetType = msgspec.UNSET
    client_id: DeviceId | msgspec.UnsetType = msgspec.UNSET
    platform: Platform | None = None
    client_timestamp: ClientTime | None = None
    game_version: Version | None = None
    takeover: Takeover = False


class NewSession(Play, frozen=True, kw_only=True):
    """The device that begins to play, and the game."""

    game_id: UUID


class Heartbeat(Body, frozen=True, kw_only=True):
    """A sign of life: how long ago the last input was, and how long the device slept since the last heartbeat."""

    session_id: UUID
    idle_seconds: IdleSeconds = 0
    suspended_seconds: SuspendedSeconds = 0


class SessionEnd(Body, frozen=True, kw_only=True):
    """The session to end. The other members are accepted because clients send them; they change nothing."""

    session_id: UUID
    device_id: DeviceId | msgspec.UnsetType = msgspec.UNSET
    client_id: DeviceId | msgspec.UnsetType = msgspec.UNSET
    client_timestamp: ClientTime | None = None


@dataclass(slots=True, kw_only=True)
class Started:
    """The running session."""

    session_id: UUID
    game_id: UUID
    start_time: datetime
    status: SessionStatus
    resumed: bool
    """Whether this device was playing already: its session goes on."""
    device_id: str
    platform: str | None
    next_heartbeat_in_seconds: int


@dataclass(slots=True, kw_only=True)
class Alive:
    """The session after the heartbeat, which is stored when this is answered."""

    session_id: UUID
    status: SessionStatus
    next_heartbeat_in_seconds: int
    played_seconds: int
    """What is counted so far; it never falls."""


@dataclass(slots=True, kw_only=True)
class Ended:
    """What the session counted: `duration_seconds` + `afk_seconds` + `suspended_seconds` = end − start."""

    session_id: UUID
    game_id: UUID
    start_time: datetime
    end_time: datetime
    status: Literal["completed"]
    end_reason: EndReason
    duration_seconds: int
    afk_seconds: int
    suspended_seconds: int
    total_playtime_seconds: int
    """Of the game, with this session, as it was at its end."""


class StartedAnswer(Success, frozen=True, kw_only=True):
    """A session runs."""

    data: Started


class AliveAnswer(Success, frozen=True, kw_only=True):
    """The session lives."""

    data: Alive


class EndedAnswer(Success, frozen=True, kw_only=True):
    """The session is over."""

    data: Ended


class SessionListAnswer(Success, frozen=True, kw_only=True):
    """A page of sessions."""

    data: SessionList


@post(
    f"{PLAYTIME}/start",
    opt={"operation": "playtime.start"},
    status_code=HTTP_200_OK,
    summary="Begin to play",
    tags=["playtime"],
    responses=refusals(GameNotFound, AccessDenied, SessionAlreadyActive, GameInUse),
)
async def start_session(application: Wired, data: JSONBody[NewSession]) -> StartedAnswer:
    """Begin a session. On the device that plays the game already, the session that runs goes on."""
    return await _start(application, GameId(data.game_id), data)


@post(
    f"{SESSION_OF_GAME}/start",
    opt={"operation": "playtime.start", ALIAS: True},
    status_code=HTTP_200_OK,
    summary="Begin to play this game",
    tags=["playtime"],
    responses=refusals(GameNotFound, AccessDenied, SessionAlreadyActive, GameInUse),
)
async def start_session_of_game(application: Wired, game_id: GamePath, data: JSONBody[Play]) -> StartedAnswer:
    """Begin a session of the game. On the device that plays it already, the session that runs goes on."""
    return await _start(application, parse_game_id(game_id), data)


@post(
    f"{PLAYTIME}/heartbeat",
    opt={"operation": "playtime.heartbeat", OPT_OUT: True, MAY_BURST: True},
    status_code=HTTP_200_OK,
    summary="Say that the session lives",
    tags=["playtime"],
    responses=refusals(SessionNotFound, SessionEnded),
)
async def record_heartbeat(application: Wired, data: JSONBody[Heartbeat]) -> AliveAnswer:
    """Keep the session alive for the next 180 seconds; durable when it is answered."""
    shown = await application.record_heartbeat(
        RecordHeartbeat(
            user_id=acting_user(),
            session_id=SessionId(data.session_id),
            idle_seconds=data.idle_seconds,
            suspended_seconds=data.suspended_seconds,
        )
    )
    return AliveAnswer(
        data=Alive(
            session_id=data.session_id,
            status=shown.status,
            next_heartbeat_in_seconds=_NEXT_HEARTBEAT,
            played_seconds=shown.played_seconds,
        )
    )


@post(
    f"{PLAYTIME}/end",
    opt={"operation": "playtime.end"},
    status_code=HTTP_200_OK,
    summary="Stop playing",
    tags=["playtime"],
    responses=refusals(SessionNotFound),
)
async def end_session(application: Wired, data: JSONBody[SessionEnd]) -> EndedAnswer:
    """End the session, or tell again how it ended."""
    return await _end(application, None, data)


@post(
    f"{SESSION_OF_GAME}/end",
    opt={"operation": "playtime.end", ALIAS: True},
    status_code=HTTP_200_OK,
    summary="Stop playing this game",
    tags=["playtime"],
    responses=refusals(GameNotFound, SessionNotFound),
)
async def end_session_of_game(
    application: Wired, game_id: GamePath, data: JSONBody[SessionEnd]
) -> EndedAnswer:
    """End the session, which must be one of the game, or tell again how it ended."""
    return await _end(application, parse_game_id(game_id), data)


@get(
    f"{PLAYTIME}/sessions",
    opt={"operation": "playtime.sessions", VERSIONED: True},
    dependencies={"asked": Provide(asked_sessions, sync_to_thread=False)},
    summary="List sessions",
    tags=["playtime"],
    responses=refusals(),
)
async def list_sessions(
    application: Wired,
    request: Request[object, object, State],
    asked: NamedDependency[SkipValidation[AskedSessions]],
) -> Response[SessionListAnswer]:
    """Return the caller's ended sessions, or those that run now, the newest first."""
    prefix = cursor_prefix(request.scope["state"][VERSION])
    me = acting_user()
    query = asked.query(user_id=me, prefix=prefix)
    if asked.active:
        found = await application.list_running_sessions(ListRunningSessions(user_id=me, query=query))
    else:
        found = await application.list_sessions(ListSessions(user_id=me, query=query))
    return Response(
        SessionListAnswer(data=asked.answer(found, user_id=me, prefix=prefix)),
        headers={"Cache-Control": NO_STORE if asked.active else CACHE_CONTROL},
    )


async def _start(application: Wired, game_id: GameId, data: Play) -> StartedAnswer:
    started = await application.start_session(
        StartSession(
            user_id=acting_user(),
            game_id=game_id,
            device_id=_device(data),
            platform=data.platform,
            game_version=data.game_version,
            client_time=data.client_timestamp,
            takeover=data.takeover,
        )
    )
    session = started.session
    return StartedAnswer(
        data=Started(
            session_id=session.id,
            game_id=session.game_id,
            start_time=session.start_time,
            status=session.status,
            resumed=started.resumed,
            device_id=session.device_id,
            platform=session.platform,
            next_heartbeat_in_seconds=_NEXT_HEARTBEAT,
        )
    )


async def _end(application: Wired, game_id: GameId | None, data: SessionEnd) -> EndedAnswer:
    _require_one_device(data)
    record = await application.end_session(
        EndSession(user_id=acting_user(), session_id=SessionId(data.session_id), game_id=game_id)
    )
    session = record.session
    return EndedAnswer(
        data=Ended(
            session_id=session.id,
            game_id=session.game_id,
            start_time=session.start_time,
            end_time=session.end_time,
            status=SessionStatus.COMPLETED.value,
            end_reason=session.reason,
            duration_seconds=session.duration_seconds,
            afk_seconds=session.afk_seconds,
            suspended_seconds=session.suspended_seconds,
            total_playtime_seconds=record.total_playtime_seconds,
        )
    )


def _device(data: Play) -> str:
    """Return the device by either of its names. Raises ValidationFailed where there is none, or two (details 2.2)."""
    _require_one_device(data)
    if data.device_id is not msgspec.UNSET:
        return data.device_id
    if data.client_id is not msgspec.UNSET:
        return data.client_id
    raise ValidationFailed(field="device_id", reason="missing")


def _require_one_device(data: Play | SessionEnd) -> None:
    told = {each for each in (data.device_id, data.client_id) if each is not msgspec.UNSET}
    if len(told) > 1:
        raise ValidationFailed(field="client_id", reason="contradicts_device_id")
