"""What every call passes: token, matrix, time, errors, metrics, trace (contract 3, reliability 6)."""

import asyncio
import json
from uuid import UUID

import pytest
from component.grpc.conftest import ACCESS, GAME, USER, Door, Mint, OpenDoor, refused
from component.grpc.http2 import Http2
from grpclib.const import Status
from opentelemetry.trace import SpanKind, StatusCode

from library_adapters.postgres.deadline import seconds_left
from library_domain.shared.access import Role
from library_domain.shared.errors import DependencyUnavailable, DomainError, Kind, ValidationFailed
from library_grpc._generated.library.v1 import CheckGameAccessRequest, LibraryQueryServiceStub
from library_grpc.doorkeeper import OperationNotInMatrix, operations
from library_grpc.errors import MESSAGES, STATUS

REQUEST = CheckGameAccessRequest(user_id=USER, game_id=GAME)
BYTES = bytes(REQUEST)
OPERATION = "grpc.check_game_access"


async def test_every_kind_of_failure_has_a_status_and_something_to_say() -> None:
    assert STATUS.keys() == MESSAGES.keys() == set(Kind)


class TestAuthorization:
    async def test_refuses_a_call_without_token(self, door: Door) -> None:
        refusal = await refused(door.raw, message=BYTES)

        assert (refusal.status, refusal.trailers["error-code"]) == (Status.UNAUTHENTICATED, "UNAUTHORIZED")
        assert not door.check_access.asked

    @pytest.mark.parametrize("value", ["Bearer nonsense", "Basic dTpw", "", "Bearer a b"])
    async def test_refuses_what_is_no_token(self, door: Door, value: str) -> None:
        refusal = await refused(door.raw, message=BYTES, metadata={"authorization": value or "-"})

        assert refusal.status is Status.UNAUTHENTICATED

    async def test_refuses_an_expired_token(self, door: Door, mint: Mint) -> None:
        refusal = await refused(door.raw, message=BYTES, metadata=mint(lives=-120))

        assert refusal.status is Status.UNAUTHENTICATED

    @pytest.mark.parametrize("role", sorted(set(Role) - {Role.SYSTEM, Role.ANONYMOUS}))
    async def test_refuses_every_role_but_system(self, door: Door, mint: Mint, role: str) -> None:
        refusal = await refused(door.raw, message=BYTES, metadata=mint(role))

        assert (refusal.status, refusal.trailers["error-code"]) == (Status.PERMISSION_DENIED, "FORBIDDEN")
        assert not door.check_access.asked

    async def test_decides_before_the_request_is_read(self, door: Door) -> None:
        refusal = await refused(door.raw, frames=b"\0\0", end=False)

        assert refusal.status is Status.UNAUTHENTICATED

    async def test_a_method_that_is_not_there_is_unimplemented(self, door: Door, mint: Mint) -> None:
        refusal = await refused(door.raw, "/library.v1.LibraryQueryService/DropAll", metadata=mint())

        assert (refusal.status, refusal.message) == (Status.UNIMPLEMENTED, "Method not found")
        assert refusal.trailers["error-code"] == "UNIMPLEMENTED"

    def test_a_method_without_a_row_cannot_be_served(self) -> None:
        class Unlisted:
            def __mapping__(self) -> dict[str, None]:
                return {"/library.v1.LibraryQueryService/ReadEverything": None}

        with pytest.raises(OperationNotInMatrix, match=r"ReadEverything needs the row grpc\.read_everything"):
            operations([Unlisted()])


class TestErrors:
    async def test_a_dependency_that_is_away_is_unavailable(self, door: Door, mint: Mint) -> None:
        door.check_access.raises = DependencyUnavailable("postgres")

        refusal = await refused(door.raw, message=BYTES, metadata=mint())

        assert (refusal.status, refusal.trailers["error-code"]) == (
            Status.UNAVAILABLE,
            "DEPENDENCY_UNAVAILABLE",
        )
        assert json.loads(refusal.trailers["error-details"]) == {"dependency": "postgres"}
        assert refusal.trailers["retry-after"] == "1"

    @pytest.mark.parametrize("error", [KeyError("host db-7"), TimeoutError(), RecursionError()])
    async def test_a_bug_is_masked_and_logged_once(
        self, door: Door, mint: Mint, errors_logged: list[str], error: Exception
    ) -> None:
        door.check_access.raises = error

        refusal = await refused(door.raw, message=BYTES, metadata=mint() | {"x-request-id": "r-1"})

        assert refusal.status is Status.INTERNAL
        assert refusal.trailers["error-code"] == "INTERNAL_ERROR"
        assert refusal.trailers["x-request-id"] == "r-1"
        assert "db-7" not in refusal.message
        assert len(errors_logged) == 1

    async def test_an_anticipated_failure_is_no_error_of_ours(
        self, door: Door, mint: Mint, errors_logged: list[str]
    ) -> None:
        class Lost(DomainError):
            """What stands here is for readers of the code."""

            kind = Kind.NOT_FOUND
            slug = "GAME_NOT_FOUND"

        door.check_access.raises = Lost(game_id=GAME)

        refusal = await refused(door.raw, message=BYTES, metadata=mint())

        assert (refusal.status, refusal.message) == (
            Status.NOT_FOUND,
            f"There is no such thing. (game_id={GAME})",
        )
        assert refusal.trailers["error-code"] == "GAME_NOT_FOUND"
        assert json.loads(refusal.trailers["error-details"]) == {"game_id": GAME}
        assert not errors_logged

    async def test_details_go_out_in_ascii_or_not_at_all(self, door: Door, mint: Mint) -> None:
        door.check_access.raises = ValidationFailed(field="имя", game_id=UUID(GAME))
        told = await refused(door.raw, message=BYTES, metadata=mint())
        door.check_access.raises = ValidationFailed(field="x" * 5_000)
        too_long = await refused(door.raw, message=BYTES, metadata=mint())

        assert json.loads(told.trailers["error-details"]) == {"field": "имя", "game_id": GAME}
        assert too_long.trailers["error-code"] == "VALIDATION_ERROR"
        assert "error-details" not in too_long.trailers

    async def test_a_malformed_request_id_is_replaced(self, door: Door, mint: Mint) -> None:
        refusal = await refused(door.raw, message=b"", metadata=mint() | {"x-request-id": "a b"})

        assert refusal.status is Status.INVALID_ARGUMENT
        assert len(refusal.trailers["x-request-id"]) == len(USER)


class TestTime:
    async def test_a_call_ends_at_its_deadline(self, door: Door, mint: Mint) -> None:
        cancelled = asyncio.Event()

        async def hang() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        door.check_access.does = hang
        refusal = await refused(door.raw, message=BYTES, metadata=mint(), deadline=0.05)

        assert (refusal.status, refusal.trailers["error-code"]) == (
            Status.DEADLINE_EXCEEDED,
            "REQUEST_TIMEOUT",
        )
        await asyncio.wait_for(cancelled.wait(), 1)
        assert door.counted(OPERATION, "DEADLINE_EXCEEDED") == 1

    async def test_a_deadline_that_is_over_starts_nothing(
        self, door: Door, mint: Mint, errors_logged: list[str]
    ) -> None:
        refusal = await refused(door.raw, message=BYTES, metadata=mint(), deadline=0)

        assert (refusal.status, refusal.trailers["error-code"]) == (
            Status.DEADLINE_EXCEEDED,
            "REQUEST_TIMEOUT",
        )
        assert not door.check_access.asked
        assert not errors_logged

    async def test_the_callers_deadline_reaches_the_stores(self, door: Door, mint: Mint) -> None:
        seen: list[float | None] = []

        async def look() -> None:
            seen.append(seconds_left())

        door.check_access.does = look
        await door.stub.check_game_access(REQUEST, metadata=mint(), timeout=3)
        await LibraryQueryServiceStub(door.channel).check_game_access(REQUEST, metadata=mint())

        with_deadline, without = seen
        assert with_deadline is not None
        assert 2 < with_deadline <= 3
        assert without is None

    async def test_what_fails_at_the_deadline_fails_for_it(self, door: Door, mint: Mint) -> None:
        """The store may notice first: it heeds the same deadline."""

        async def run_out() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise DependencyUnavailable("postgres") from None

        door.check_access.does = run_out
        refusal = await refused(door.raw, message=BYTES, metadata=mint(), deadline=0.05)

        assert (refusal.status, refusal.trailers["error-code"]) == (
            Status.DEADLINE_EXCEEDED,
            "REQUEST_TIMEOUT",
        )

    async def test_a_request_that_never_comes_is_not_waited_for(
        self, open_door: OpenDoor, mint: Mint
    ) -> None:
        async with open_door(call_timeout_seconds=0.05) as door:
            refusal = await refused(door.raw, frames=b"\0", metadata=mint(), end=False)

        assert refusal.status is Status.DEADLINE_EXCEEDED

    async def test_more_calls_than_fit_are_refused(self, open_door: OpenDoor, mint: Mint) -> None:
        async with open_door(calls_in_flight=1) as door:
            busy, go_on = asyncio.Event(), asyncio.Event()

            async def work() -> None:
                busy.set()
                await go_on.wait()

            door.check_access.does = work
            first = asyncio.create_task(door.stub.check_game_access(REQUEST, metadata=mint()))
            await busy.wait()

            refusal = await refused(door.raw, message=BYTES, metadata=mint())
            go_on.set()

            assert refusal.status is Status.UNAVAILABLE
            assert (await first).has_access

    async def test_a_call_that_its_caller_gives_up_makes_room(self, open_door: OpenDoor, mint: Mint) -> None:
        async with open_door(calls_in_flight=1) as door:
            busy, given_up = asyncio.Event(), asyncio.Event()

            async def work() -> None:
                busy.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    given_up.set()

            door.check_access.does = work
            leaving = asyncio.create_task(door.stub.check_game_access(REQUEST, metadata=mint()))
            await busy.wait()
            leaving.cancel()
            async with asyncio.timeout(5):
                await given_up.wait()
            door.check_access.does = None

            assert (await door.stub.check_game_access(REQUEST, metadata=mint())).has_access
            assert door.counted(OPERATION, "CANCELLED") == 1

    async def test_callers_who_say_nothing_keep_nobody_out(self, open_door: OpenDoor, mint: Mint) -> None:
        async with open_door(calls_without_request=2) as door:
            silent = [
                asyncio.create_task(refused(door.raw, frames=b"\0", metadata=mint(), end=False))
                for _ in range(2)
            ]
            labels = {"door": "grpc"}
            async with asyncio.timeout(5), Http2.connected(door.server.port) as client:
                while door.registry.get_sample_value("library_requests_in_progress", labels) != 2:
                    await client.turn()

            answer = await door.stub.check_game_access(REQUEST, metadata=mint())
            longest = await silent[0]
            other = await asyncio.wait({silent[1]}, timeout=0)

            assert answer.has_access
            assert longest.status is Status.DEADLINE_EXCEEDED
            assert other == (set(), {silent[1]})
            silent[1].cancel()
            await asyncio.gather(silent[1], return_exceptions=True)


class TestTelling:
    async def test_counts_the_call(self, door: Door, mint: Mint) -> None:
        await door.stub.check_game_access(REQUEST, metadata=mint())
        await refused(door.raw, message=BYTES)

        assert door.counted(OPERATION, "OK") == 1
        assert door.counted(OPERATION, "UNAUTHENTICATED") == 1

    async def test_continues_the_callers_trace(self, door: Door, mint: Mint) -> None:
        trace = "0af7651916cd43dd8448eb211c80319c"

        await door.stub.check_game_access(
            REQUEST, metadata=mint() | {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        )

        (span,) = door.spans.get_finished_spans()
        assert span.context is not None
        assert f"{span.context.trace_id:032x}" == trace
        assert (span.name, span.kind) == (ACCESS.strip("/"), SpanKind.SERVER)
        told = dict(span.attributes or {})
        assert told.pop("network.peer.port")
        assert told == {
            "rpc.system": "grpc",
            "rpc.service": "library.v1.LibraryQueryService",
            "rpc.method": "CheckGameAccess",
            "rpc.grpc.status_code": 0,
            "library.operation": OPERATION,
            "network.peer.address": "127.0.0.1",
        }

    async def test_a_span_is_an_error_when_the_caller_did_nothing_wrong(self, door: Door, mint: Mint) -> None:
        await refused(door.raw, message=BYTES)
        door.check_access.raises = DependencyUnavailable("postgres")
        await refused(door.raw, message=BYTES, metadata=mint())

        theirs, ours = door.spans.get_finished_spans()
        assert (theirs.status.status_code, ours.status.status_code) == (StatusCode.UNSET, StatusCode.ERROR)

    async def test_counts_what_is_in_progress(self, door: Door, mint: Mint) -> None:
        labels = {"door": "grpc"}
        seen: list[float | None] = []

        async def look() -> None:
            seen.append(door.registry.get_sample_value("library_requests_in_progress", labels))

        door.check_access.does = look
        await door.stub.check_game_access(REQUEST, metadata=mint())

        assert seen == [1]
        assert door.registry.get_sample_value("library_requests_in_progress", labels) == 0
