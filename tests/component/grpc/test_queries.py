"""LibraryQueryService through the real door (contract 5, details 1.10, 3.5, 3.6)."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from component.grpc.conftest import GAME, SERVICE, USER, Door, Mint
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from library_domain.library.model import Access, AcquisitionType, CopyUse, Refusal, Via
from library_domain.library.queries import (
    Filter,
    LibraryFilter,
    LibraryItem,
    LibraryPage,
    LibraryQuery,
    LibrarySort,
    OwnedDLC,
)
from library_domain.library.use_cases.batch_check_game_access import BatchCheckGameAccess
from library_domain.library.use_cases.check_game_access import CheckGameAccess
from library_domain.library.use_cases.check_game_ownership import CheckGameOwnership, Ownership
from library_domain.library.use_cases.list_library import ListLibrary
from library_domain.shared.caller import Caller, current_caller
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Order
from library_grpc._generated.library.v1 import (
    BatchCheckGameAccessRequest,
    BatchCheckGameAccessResponse,
    CheckGameAccessRequest,
    CheckGameAccessResponse,
    CheckGameOwnershipRequest,
    CheckGameOwnershipResponse,
    DlcInfo,
    GetUserLibraryRequest,
    GetUserLibraryResponse,
)
from library_grpc._generated.library.v1 import LibraryItem as LibraryItemMessage
from library_grpc.queries import OWNERSHIP_TYPES

ACCESS_REQUEST = CheckGameAccessRequest(user_id=USER, game_id=GAME)
OWNERSHIP_REQUEST = CheckGameOwnershipRequest(user_id=USER, game_id=GAME)
MOMENT = datetime(2026, 11, 23, 12, 0, 0, 250_000, UTC)
LENDER = UUID("018f0000-0000-7000-8000-000000000003")


def an_item(**overrides: Any) -> LibraryItem:
    members: dict[str, Any] = {
        "id": UUID(int=1),
        "user_id": UserId(UUID(USER)),
        "game_id": GameId(UUID(GAME)),
        "name": "Ведьмак 3",
        "product_type": "game",
        "acquisition_type": None,
        "acquisition_date": MOMENT,
        "is_hidden": True,
        "is_favorite": False,
        "last_played_at": MOMENT,
        "total_playtime_seconds": 7_200,
        "installation_status": "installed",
        "installed": True,
        "size_installed": 5_000_000_000,
        "platform": "windows",
        "platforms": ["windows"],
        "categories": ["RPG"],
        "dlc": [
            OwnedDLC(
                dlc_id=GameId(LENDER),
                name="Кровь и вино",
                installed=True,
                size_installed=1,
                size_required=1,
            )
        ],
        "family_shared": True,
        "owner_id": UserId(LENDER),
        "notes": None,
        "cover_url": None,
        "created_at": MOMENT,
        "updated_at": MOMENT,
    }
    return LibraryItem(**members | overrides)


class TestCheckGameAccess:
    async def test_answers_a_right_with_an_end(self, door: Door, mint: Mint) -> None:
        door.check_access.answers(Access(allowed=True, via=Via.SUBSCRIPTION, expires_at=MOMENT))

        answer = await door.stub.check_game_access(ACCESS_REQUEST, metadata=mint())

        assert answer == CheckGameAccessResponse(
            has_access=True, access_type="subscription", expires_at=MOMENT
        )
        assert door.check_access.asked == [
            CheckGameAccess(user_id=UserId(UUID(USER)), game_id=GameId(UUID(GAME)))
        ]

    async def test_names_the_lender(self, door: Door, mint: Mint) -> None:
        door.check_access.answers(Access(allowed=True, via=Via.FAMILY, owner_id=UserId(LENDER)))

        answer = await door.stub.check_game_access(ACCESS_REQUEST, metadata=mint())

        assert answer == CheckGameAccessResponse(has_access=True, access_type="family", owner_id=str(LENDER))

    async def test_names_who_plays_the_copy(self, door: Door, mint: Mint) -> None:
        use = CopyUse(user_id=UserId(LENDER), since=MOMENT)
        door.check_access.answers(Access(allowed=True, via=Via.OWNED, in_use_by=use))

        answer = await door.stub.check_game_access(ACCESS_REQUEST, metadata=mint())

        assert answer == CheckGameAccessResponse(has_access=True, access_type="owned", in_use_by=str(LENDER))

    @pytest.mark.parametrize("reason", Refusal)
    async def test_says_why_not(self, door: Door, mint: Mint, reason: Refusal) -> None:
        door.check_access.answers(Access(allowed=False, reason=reason))

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


class TestBatchCheckGameAccess:
    async def test_answers_each_game_in_order(self, door: Door, mint: Mint) -> None:
        games = [str(UUID(int=number)) for number in range(3)]
        door.batch_check_access.answers(
            [
                Access(allowed=False, reason=Refusal.EXPIRED),
                Access(allowed=True, via=Via.SUBSCRIPTION, expires_at=MOMENT),
                Access(allowed=True, via=Via.FAMILY, owner_id=UserId(LENDER)),
            ]
        )

        answer = await door.stub.batch_check_game_access(
            BatchCheckGameAccessRequest(user_id=USER, game_ids=games), metadata=mint()
        )

        assert answer.results == [
            CheckGameAccessResponse(reason="expired"),
            CheckGameAccessResponse(has_access=True, access_type="subscription", expires_at=MOMENT),
            CheckGameAccessResponse(has_access=True, access_type="family", owner_id=str(LENDER)),
        ]
        assert door.batch_check_access.asked == [
            BatchCheckGameAccess(user_id=UserId(UUID(USER)), game_ids=[GameId(UUID(game)) for game in games])
        ]

    async def test_answers_no_games_with_nothing(self, door: Door, mint: Mint) -> None:
        answer = await door.stub.batch_check_game_access(
            BatchCheckGameAccessRequest(user_id=USER), metadata=mint()
        )

        assert answer == BatchCheckGameAccessResponse()

    @pytest.mark.parametrize(
        ("games", "field"),
        [([GAME] * 101, "game_ids"), ([GAME, "portal"], "game_ids"), (["portal"] * 101, "game_ids")],
    )
    async def test_names_the_field_that_is_wrong(
        self, door: Door, mint: Mint, games: list[str], field: str
    ) -> None:
        with pytest.raises(GRPCError) as raised:
            await door.stub.batch_check_game_access(
                BatchCheckGameAccessRequest(user_id=USER, game_ids=games), metadata=mint()
            )

        assert raised.value.status is Status.INVALID_ARGUMENT
        assert f"field={field}" in (raised.value.message or "")
        assert not door.batch_check_access.asked


class TestGetLibrary:
    async def test_answers_a_page(self, door: Door, mint: Mint) -> None:
        door.list_library.answers(LibraryPage(items=[an_item()], total=21, next=None))

        answer = await door.stub.get_library(
            GetUserLibraryRequest(user_id=USER, limit=1, offset=20), metadata=mint()
        )

        assert answer == GetUserLibraryResponse(
            items=[
                LibraryItemMessage(
                    game_id=GAME,
                    name="Ведьмак 3",
                    type="game",
                    installed=True,
                    size_installed=5_000_000_000,
                    last_played=MOMENT,
                    total_playtime=7_200,
                    categories=["RPG"],
                    dlc=[DlcInfo(dlc_id=str(LENDER), name="Кровь и вино", installed=True)],
                    family_shared=True,
                    hidden=True,
                )
            ],
            total=21,
            limit=1,
            offset=20,
        )

    async def test_leaves_out_what_is_not_known(self, door: Door, mint: Mint) -> None:
        item = an_item(name=None, size_installed=None, last_played_at=None, dlc=[])
        door.list_library.answers(LibraryPage(items=[item], total=1, next=None))

        answer = await door.stub.get_library(GetUserLibraryRequest(user_id=USER), metadata=mint())

        (shown,) = answer.items
        assert (shown.name, shown.size_installed, shown.last_played, shown.dlc) == ("", 0, None, [])

    async def test_asks_for_what_rest_would_by_default(self, door: Door, mint: Mint) -> None:
        answer = await door.stub.get_library(GetUserLibraryRequest(user_id=USER), metadata=mint())

        assert door.list_library.asked == [ListLibrary(user_id=UserId(UUID(USER)), query=LibraryQuery())]
        assert (answer.limit, answer.offset) == (20, 0)

    async def test_reads_the_specs_example(self, door: Door, mint: Mint) -> None:
        await door.stub.get_library(
            GetUserLibraryRequest(
                user_id=USER, limit=20, sort_by="name", sort_order="asc", filter="installed"
            ),
            metadata=mint(),
        )

        (asked,) = door.list_library.asked
        assert asked.query == LibraryQuery(filter=LibraryFilter(installed=True))

    async def test_reads_every_word_of_filter_and_sort(self, door: Door, mint: Mint) -> None:
        request = GetUserLibraryRequest(
            user_id=USER, sort_by="total_playtime", sort_order="desc", filter=", ".join(Filter)
        )

        await door.stub.get_library(request, metadata=mint())

        (asked,) = door.list_library.asked
        assert asked.query == LibraryQuery(
            filter=LibraryFilter.named(list(Filter)), sort=LibrarySort.TOTAL_PLAYTIME, order=Order.DESC
        )

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("user_id", "user123"),
            ("limit", -1),
            ("limit", 101),
            ("offset", -1),
            ("offset", 10_001),
            ("sort_by", "price"),
            ("sort_by", "-name"),
            ("sort_order", "ASC"),
            ("filter", "installed,cheap"),
            ("filter", "installed,"),
            ("filter", "installed," * 1_000),
        ],
    )
    async def test_names_the_field_that_is_wrong(
        self, door: Door, mint: Mint, field: str, value: Any
    ) -> None:
        request = GetUserLibraryRequest(user_id=USER)
        setattr(request, field, value)

        with pytest.raises(GRPCError) as raised:
            await door.stub.get_library(request, metadata=mint())

        assert raised.value.status is Status.INVALID_ARGUMENT
        assert f"field={field}" in (raised.value.message or "")
        assert not door.list_library.asked


class TestNames:
    async def test_both_names_of_the_library_ask_the_same(self, door: Door, mint: Mint) -> None:
        request = GetUserLibraryRequest(user_id=USER, filter="favorite")

        for ask in (door.stub.get_library, door.stub.get_user_library, door.examples.get_user_library):
            await ask(request, metadata=mint())

        assert len(set(map(repr, door.list_library.asked))) == 1
        assert door.counted("grpc.get_library", "OK") == 3

    async def test_both_services_ask_the_same_about_ownership(self, door: Door, mint: Mint) -> None:
        for ask in (door.stub.check_game_ownership, door.examples.check_game_ownership):
            await ask(OWNERSHIP_REQUEST, metadata=mint())

        assert len(door.check_ownership.asked) == door.counted("grpc.check_game_ownership", "OK") == 2


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
