"""Sessions through the real door (contract 4.2 and 5, details 3.5 to 3.8)."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from component.grpc.conftest import GAME, SERVICE, USER, Door, Mint, refused
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from library_domain.catalog.model import Platform
from library_domain.flows.start_session import StartSession, StartSessionResult
from library_domain.library.errors import AccessDenied, GameNotFound
from library_domain.playtime.errors import GameInUse, SessionAlreadyActive, SessionNotFound
from library_domain.playtime.model import (
    DayShare,
    EndedSession,
    EndReason,
    Session,
    SessionId,
    SessionRecord,
)
from library_domain.playtime.use_cases.end_session import EndSession
from library_domain.shared.caller import Caller, current_caller
from library_domain.shared.errors import DomainError
from library_domain.shared.ids import GameId, UserId
from library_grpc._generated.library.v1 import (
    EndGameSessionRequest,
    EndGameSessionResponse,
    StartGameSessionRequest,
    StartGameSessionResponse,
)

PLAYER, PLAYED = UserId(UUID(USER)), GameId(UUID(GAME))
OTHER = UUID("018f0000-0000-7000-8000-000000000003")
START = datetime(2025, 5, 22, 8, 30, tzinfo=UTC)
END = datetime(2025, 5, 22, 10, 45, 30, tzinfo=UTC)
COMMANDS = "/library.v1.LibraryCommandService/"
SESSION_ID = SessionId(UUID("0196f6f4-36c0-7000-8000-000000000009"))

A_START = StartGameSessionRequest(
    user_id=USER,
    game_id=GAME,
    client_timestamp=START,
    client_id="desktop_client_001",
    game_version="2.1.5",
)
"""As in the specification's example."""
AN_END = EndGameSessionRequest(
    user_id=USER, session_id=str(SESSION_ID), client_timestamp=END, client_id="desktop_client_001"
)


def a_session() -> Session:
    return Session.start(
        session_id=SESSION_ID,
        user_id=PLAYER,
        game_id=PLAYED,
        library_item_id=OTHER,
        owner_id=PLAYER,
        device_id="desktop_client_001",
        platform="windows",
        game_version="2.1.5",
        client_time=START,
        now=START,
    )


def a_record() -> SessionRecord:
    session = a_session()
    return SessionRecord(
        session=EndedSession(
            **{
                name: getattr(session, name)
                for name in (
                    *("id", "user_id", "game_id", "library_item_id", "owner_id", "device_id", "platform"),
                    *("game_version", "start_time", "clock_skew_seconds", "told_idle"),
                )
            },
            end_time=END,
            last_heartbeat_at=END,
            reason=EndReason.CLIENT,
            over_since=END,
            days=(DayShare(day=date(2025, 5, 22), active_seconds=7_130, sessions=1),),
            afk_seconds=900,
            suspended_seconds=100,
        ),
        total_playtime_seconds=353_730,
    )


class TestStartGameSession:
    async def test_begins_as_in_the_specification(self, door: Door, mint: Mint) -> None:
        door.start_session.answers(StartSessionResult(session=a_session(), resumed=False))

        for stub in (door.commands, door.examples):
            answer = await stub.start_game_session(A_START, metadata=mint())

            assert answer == StartGameSessionResponse(
                session_id=str(SESSION_ID),
                game_id=GAME,
                start_time=START,
                status="active",
                next_heartbeat_in_seconds=60,
            )
        command = StartSession(
            user_id=PLAYER,
            game_id=PLAYED,
            device_id="desktop_client_001",
            game_version="2.1.5",
            client_time=START,
        )
        assert door.start_session.asked == [command, command]

    async def test_takes_what_is_new_too(self, door: Door, mint: Mint) -> None:
        door.start_session.answers(StartSessionResult(session=a_session(), resumed=True))

        answer = await door.commands.start_game_session(
            StartGameSessionRequest(
                user_id=USER, game_id=GAME, platform="linux", device_id="и\u0306-deck", takeover=True
            ),
            metadata=mint(),
        )

        assert answer.resumed
        assert door.start_session.asked == [
            StartSession(
                user_id=PLAYER,
                game_id=PLAYED,
                device_id="й-deck",
                platform=Platform.LINUX,
                takeover=True,
            )
        ]

    async def test_takes_the_device_by_both_of_its_names(self, door: Door, mint: Mint) -> None:
        door.start_session.answers(StartSessionResult(session=a_session(), resumed=False))

        await door.commands.start_game_session(
            replace(A_START, device_id="desktop_client_001"), metadata=mint()
        )

        assert door.start_session.asked[0].device_id == "desktop_client_001"

    @pytest.mark.parametrize(
        ("changed", "details"),
        [
            ({"user_id": "user123"}, {"field": "user_id", "reason": "not_a_uuid"}),
            ({"game_id": ""}, {"field": "game_id", "reason": "not_a_uuid"}),
            ({"client_id": ""}, {"field": "device_id", "reason": "missing"}),
            ({"device_id": "another"}, {"field": "client_id", "reason": "contradicts_device_id"}),
            ({"client_id": "x" * 101}, {"field": "client_id", "reason": "too_long", "maximum": 100}),
            ({"device_id": "x" * 101}, {"field": "device_id", "reason": "too_long", "maximum": 100}),
            ({"device_id": "a\0b"}, {"field": "device_id", "reason": "forbidden_character"}),
            ({"game_version": "1" * 51}, {"field": "game_version", "reason": "too_long", "maximum": 50}),
            ({"game_version": "\x1b"}, {"field": "game_version", "reason": "forbidden_character"}),
            ({"platform": "amiga"}, {"field": "platform", "reason": "invalid"}),
        ],
    )
    async def test_names_the_field_that_is_wrong(
        self, door: Door, mint: Mint, changed: dict[str, Any], details: dict[str, Any]
    ) -> None:
        refusal = await refused(
            door.raw,
            COMMANDS + "StartGameSession",
            message=bytes(replace(A_START, **changed)),
            metadata=mint(),
        )

        assert refusal.status is Status.INVALID_ARGUMENT
        assert refusal.trailers["error-code"] == "VALIDATION_ERROR"
        assert json.loads(refusal.trailers["error-details"]) == details
        assert door.start_session.asked == []

    @pytest.mark.parametrize(
        ("error", "status", "details"),
        [
            (GameNotFound(game_id=PLAYED), Status.NOT_FOUND, {"game_id": GAME}),
            (
                AccessDenied(game_id=PLAYED, reason="expired"),
                Status.PERMISSION_DENIED,
                {"game_id": GAME, "reason": "expired"},
            ),
            (
                SessionAlreadyActive(session_id=SESSION_ID, device_id="deck", start_time=START),
                Status.FAILED_PRECONDITION,
                {"session_id": str(SESSION_ID), "device_id": "deck", "start_time": "2025-05-22T08:30:00Z"},
            ),
            (
                GameInUse(in_use_by={"user_id": OTHER, "since": START}),
                Status.FAILED_PRECONDITION,
                {"in_use_by": {"user_id": str(OTHER), "since": "2025-05-22T08:30:00Z"}},
            ),
        ],
    )
    async def test_tells_what_the_rules_refuse_and_why(
        self, door: Door, mint: Mint, error: DomainError, status: Status, details: dict[str, Any]
    ) -> None:
        door.start_session.raises = error

        refusal = await refused(
            door.raw, COMMANDS + "StartGameSession", message=bytes(A_START), metadata=mint()
        )

        assert (refusal.status, refusal.trailers["error-code"]) == (status, error.slug)
        assert json.loads(refusal.trailers["error-details"]) == details

    async def test_acts_as_the_service_for_the_user(self, door: Door, mint: Mint) -> None:
        callers: list[Caller] = []

        async def look() -> None:
            callers.append(current_caller())

        door.start_session.answers(StartSessionResult(session=a_session(), resumed=False))
        door.start_session.does = look

        await door.commands.start_game_session(A_START, metadata=mint())

        assert [caller.actor_id for caller in callers] == [SERVICE]


class TestEndGameSession:
    async def test_answers_as_in_the_specification(self, door: Door, mint: Mint) -> None:
        door.end_session.answers(a_record())

        for stub in (door.commands, door.examples):
            answer = await stub.end_game_session(AN_END, metadata=mint())

            assert answer == EndGameSessionResponse(
                session_id=str(SESSION_ID),
                game_id=GAME,
                start_time=START,
                end_time=END,
                duration=7_130,
                status="completed",
                total_playtime=353_730,
                end_reason="client",
                afk_seconds=900,
                suspended_seconds=100,
            )
        command = EndSession(user_id=PLAYER, session_id=SESSION_ID)
        assert door.end_session.asked == [command, command]

    async def test_knows_no_session_of_another(self, door: Door, mint: Mint) -> None:
        door.end_session.raises = SessionNotFound(session_id=SESSION_ID)

        refusal = await refused(door.raw, COMMANDS + "EndGameSession", message=bytes(AN_END), metadata=mint())

        assert (refusal.status, refusal.trailers["error-code"]) == (Status.NOT_FOUND, "SESSION_NOT_FOUND")

    @pytest.mark.parametrize("field", ["user_id", "session_id"])
    async def test_names_the_field_that_is_no_uuid(self, door: Door, mint: Mint, field: str) -> None:
        changed: dict[str, Any] = {field: "sess_12345_20250522083000"}

        with pytest.raises(GRPCError, match=f"field={field}"):
            await door.commands.end_game_session(replace(AN_END, **changed), metadata=mint())


@pytest.mark.parametrize(
    "method",
    [
        "LibraryQueryService/GetPlaytimeStats",
        "LibraryQueryService/GetPlaytimeStatistics",
        "LibraryCommandService/StartGameSession",
        "LibraryCommandService/EndGameSession",
        "LibraryService/GetPlaytimeStatistics",
        "LibraryService/StartGameSession",
        "LibraryService/EndGameSession",
    ],
)
@pytest.mark.parametrize("role", ["user", "support", "admin"])
async def test_only_services_may_ask(door: Door, mint: Mint, method: str, role: str) -> None:
    refusal = await refused(door.raw, f"/library.v1.{method}", message=b"", metadata=mint(role))

    assert (refusal.status, refusal.trailers["error-code"]) == (Status.PERMISSION_DENIED, "FORBIDDEN")
