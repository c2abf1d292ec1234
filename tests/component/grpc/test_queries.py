"""LibraryQueryService through the real door (contract 5, details 1.10, 3.5, 3.6)."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from component.grpc.conftest import GAME, SERVICE, USER, Door, Mint
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from library_domain.library.model import AccessVerdict, AcquisitionType, Refusal, Via
from library_domain.library.use_cases.check_game_access import CheckGameAccess
from library_domain.library.use_cases.check_game_ownership import CheckGameOwnership, Ownership
from library_domain.shared.caller import Caller, current_caller
from library_domain.shared.ids import GameId, UserId
from library_grpc._generated.library.v1 import (
    CheckGameAccessRequest,
    CheckGameAccessResponse,
    CheckGameOwnershipRequest,
    CheckGameOwnershipResponse,
)
from library_grpc.queries import OWNERSHIP_TYPES

ACCESS_REQUEST = CheckGameAccessRequest(user_id=USER, game_id=GAME)
OWNERSHIP_REQUEST = CheckGameOwnershipRequest(user_id=USER, game_id=GAME)
MOMENT = datetime(2026, 11, 23, 12, 0, 0, 250_000, UTC)
LENDER = UUID("018f0000-0000-7000-8000-000000000003")


class TestCheckGameAccess:
    async def test_answers_a_right_with_an_end(self, door: Door, mint: Mint) -> None:
        door.check_access.answers(AccessVerdict(allowed=True, via=Via.SUBSCRIPTION, expires_at=MOMENT))

        answer = await door.stub.check_game_access(ACCESS_REQUEST, metadata=mint())

        assert answer == CheckGameAccessResponse(
            has_access=True, access_type="subscription", expires_at=MOMENT
        )
        assert door.check_access.asked == [
            CheckGameAccess(user_id=UserId(UUID(USER)), game_id=GameId(UUID(GAME)))
        ]

    async def test_names_the_lender(self, door: Door, mint: Mint) -> None:
        door.check_access.answers(AccessVerdict(allowed=True, via=Via.FAMILY, owner_id=UserId(LENDER)))

        answer = await door.stub.check_game_access(ACCESS_REQUEST, metadata=mint())

        assert answer == CheckGameAccessResponse(has_access=True, access_type="family", owner_id=str(LENDER))

    @pytest.mark.parametrize("reason", Refusal)
    async def test_says_why_not(self, door: Door, mint: Mint, reason: Refusal) -> None:
        door.check_access.answers(AccessVerdict(allowed=False, reason=reason))

        answer = await door.stub.check_game_access(ACCESS_REQUEST, metadata=mint())

        assert answer == CheckGameAccessResponse(has_access=False, reason=reason.value)

    @pytest.mark.parametrize("field", ["user_id", "game_id"])
    @pytest.mark.parametrize("value", ["", "user123", f"{{{USER}}}", USER.replace("-", ""), USER + "\0"])
    async def test_names_the_field_that_is_no_uuid(
        self, door: Door, mint: Mint, field: str, value: str
    ) -> None:
        request = CheckGameAccessRequest(**{"user_id": USER, "game_id": GAME, field: value})

        with pytest.raises(GRPCError) as raised:
            await door.stub.check_game_access(request, metadata=mint())

        assert raised.value.status is Status.INVALID_ARGUMENT
        assert f"field={field}" in (raised.value.message or "")
        assert not door.check_access.asked

    async def test_acts_as_the_service_that_calls(self, door: Door, mint: Mint) -> None:
        seen: list[Caller] = []

        async def look() -> None:
            seen.append(current_caller())

        door.check_access.does = look
        await door.stub.check_game_access(ACCESS_REQUEST, metadata=mint() | {"x-request-id": "abc.1"})

        (caller,) = seen
        assert (caller.actor_id, caller.request_id, caller.ip_address) == (SERVICE, "abc.1", "127.0.0.1")
        assert caller.user_agent is not None


class TestCheckGameOwnership:
    async def test_answers_a_purchase_with_its_dlc(self, door: Door, mint: Mint) -> None:
        dlc = UUID("018f0000-0000-7000-8000-000000000004")
        door.check_ownership.answers(
            Ownership(
                owned=True,
                acquisition_type=AcquisitionType.PURCHASE,
                acquired_at=MOMENT,
                dlc_owned=[GameId(dlc)],
            ),
        )

        answer = await door.stub.check_game_ownership(OWNERSHIP_REQUEST, metadata=mint())

        assert answer == CheckGameOwnershipResponse(
            owned=True, ownership_type="purchased", purchase_date=MOMENT, dlc_owned=[str(dlc)]
        )
        assert door.check_ownership.asked == [
            CheckGameOwnership(user_id=UserId(UUID(USER)), game_id=GameId(UUID(GAME)))
        ]

    async def test_answers_nothing_owned(self, door: Door, mint: Mint) -> None:
        answer = await door.stub.check_game_ownership(OWNERSHIP_REQUEST, metadata=mint())

        assert answer == CheckGameOwnershipResponse()

    def test_has_a_word_for_every_acquisition(self) -> None:
        assert OWNERSHIP_TYPES.keys() == set(AcquisitionType)
