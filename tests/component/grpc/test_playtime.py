"""Sums of playtime through the real door (contract 5, details 3.6 and 3.8)."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from component.grpc.conftest import GAME, USER, Door, Mint, refused
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from hypothesis import given
from hypothesis import strategies as st

from library_domain.playtime.model import Aggregation
from library_domain.playtime.queries import GamePlaytime, LifetimePage, PeriodPlaytime, PlaytimeStats
from library_domain.playtime.use_cases.show_lifetime import ShowLifetime
from library_domain.playtime.use_cases.show_stats import ShowStats
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Page, Position
from library_grpc import page_tokens
from library_grpc._generated.library.v1 import GamePlaytime as GamePlaytimeMessage
from library_grpc._generated.library.v1 import (
    GetPlaytimeStatisticsRequest,
    GetPlaytimeStatisticsResponse,
    GetUserPlaytimeRequest,
    GetUserPlaytimeResponse,
    PlaytimeAggregation,
)

PLAYER, PLAYED = UserId(UUID(USER)), GameId(UUID(GAME))
OTHER = UUID("018f0000-0000-7000-8000-000000000003")
END = datetime(2025, 5, 22, 10, 45, 30, tzinfo=UTC)


def some_playtime(**overrides: Any) -> GamePlaytime:
    members: dict[str, Any] = {
        "game_id": PLAYED,
        "name": "Ведьмак 3",
        "total_playtime_seconds": 7_200,
        "sessions_count": 2,
        "average_session_seconds": 3_600,
        "longest_session_seconds": 5_000,
        "last_played_at": END,
    }
    return GamePlaytime(**members | overrides)


class TestGetPlaytimeStats:
    async def test_answers_the_sums_and_the_games(self, door: Door, mint: Mint) -> None:
        door.show_lifetime.answers(
            LifetimePage(
                total_playtime_seconds=7_260,
                sessions_count=3,
                average_session_seconds=2_420,
                longest_session_seconds=5_000,
                last_played_at=END,
                games=[some_playtime()],
                next=Position(key=7_200, id=PLAYED),
            )
        )

        answer = await door.stub.get_playtime_stats(GetUserPlaytimeRequest(user_id=USER), metadata=mint())

        assert replace(answer, next_page_token="") == GetUserPlaytimeResponse(
            total_playtime=7_260,
            total_sessions=3,
            average_session_duration=2_420,
            longest_session=5_000,
            last_played=END,
            games=[
                GamePlaytimeMessage(
                    game_id=GAME,
                    name="Ведьмак 3",
                    total_playtime=7_200,
                    total_sessions=2,
                    average_session_duration=3_600,
                    longest_session=5_000,
                    last_played=END,
                )
            ],
        )
        assert door.show_lifetime.asked == [ShowLifetime(user_id=PLAYER)]

        await door.stub.get_playtime_stats(
            GetUserPlaytimeRequest(user_id=USER, limit=5, page_token=answer.next_page_token),
            metadata=mint(),
        )

        after = Page(limit=5, after=Position(key=7_200, id=PLAYED))
        assert door.show_lifetime.asked[1] == ShowLifetime(user_id=PLAYER, page=after)

    async def test_leaves_out_what_there_is_not(self, door: Door, mint: Mint) -> None:
        nothing = dict.fromkeys(
            (
                *("total_playtime_seconds", "sessions_count", "average_session_seconds"),
                "longest_session_seconds",
            ),
            0,
        )
        door.show_lifetime.answers(
            LifetimePage(
                **nothing,
                last_played_at=None,
                games=[some_playtime(name=None, last_played_at=None)],
                next=None,
            )
        )

        answer = await door.stub.get_playtime_stats(GetUserPlaytimeRequest(user_id=USER), metadata=mint())

        assert (answer.last_played, answer.next_page_token) == (None, "")
        assert (answer.games[0].name, answer.games[0].last_played) == ("", None)

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"user_id": ""}, "user_id"),
            ({"game_id": "portal"}, "game_id"),
            ({"limit": 101}, "limit"),
            ({"limit": -1}, "limit"),
            ({"page_token": "x"}, "page_token"),
            (
                {"page_token": page_tokens.write(Position(key=1, id=OTHER), user_id=OTHER, game_id=None)},
                "page_token",
            ),
            (
                {"page_token": page_tokens.write(Position(key=1, id=OTHER), user_id=PLAYER, game_id=PLAYED)},
                "page_token",
            ),
            (
                {
                    "game_id": GAME,
                    "page_token": page_tokens.write(Position(key=1, id=OTHER), user_id=PLAYER, game_id=None),
                },
                "page_token",
            ),
        ],
    )
    async def test_names_the_field_that_is_wrong(
        self, door: Door, mint: Mint, changed: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(GRPCError, match=f"field={field}") as raised:
            await door.stub.get_playtime_stats(
                replace(GetUserPlaytimeRequest(user_id=USER), **changed), metadata=mint()
            )

        assert raised.value.status is Status.INVALID_ARGUMENT


class TestGetPlaytimeStatistics:
    ASKED = GetPlaytimeStatisticsRequest(
        user_id=USER,
        game_id=GAME,
        start_date=datetime(2025, 4, 1, tzinfo=UTC),
        end_date=datetime(2025, 5, 22, 23, 59, 59, tzinfo=UTC),
        aggregation="daily",
    )
    """As in the specification's example."""

    @pytest.fixture(autouse=True)
    def answer(self, door: Door) -> None:
        door.show_stats.answers(
            PlaytimeStats(
                first_day=date(2025, 4, 1),
                last_day=date(2025, 5, 22),
                aggregation="daily",
                total_playtime_seconds=7_200,
                sessions_count=2,
                average_session_seconds=3_600,
                longest_session_seconds=5_000,
                sessions_per_week=0.27,
                last_played_at=END,
                games_count=1,
                games=[some_playtime()],
                periods=[
                    PeriodPlaytime(
                        period="2025-04-01",
                        total_playtime_seconds=7_200,
                        sessions_count=2,
                        games_played=[PLAYED],
                    )
                ],
            )
        )

    async def test_answers_as_in_the_specification(self, door: Door, mint: Mint) -> None:
        for stub in (door.stub, door.examples):
            answer = await stub.get_playtime_statistics(self.ASKED, metadata=mint())

            assert answer == GetPlaytimeStatisticsResponse(
                aggregations=[
                    PlaytimeAggregation(period="2025-04-01", playtime=7_200, sessions=2, games_played=[GAME])
                ],
                total_playtime=7_200,
                total_sessions=2,
                average_session_duration=3_600.0,
            )
        query = ShowStats(
            user_id=PLAYER,
            game_id=PLAYED,
            aggregation=Aggregation.DAILY,
            start=self.ASKED.start_date,
            end=self.ASKED.end_date,
        )
        assert door.show_stats.asked == [query, query]

    async def test_asks_for_the_last_days_by_day_if_nothing_is_said(self, door: Door, mint: Mint) -> None:
        await door.stub.get_playtime_statistics(GetPlaytimeStatisticsRequest(user_id=USER), metadata=mint())

        assert door.show_stats.asked == [ShowStats(user_id=PLAYER, aggregation=Aggregation.DAILY)]

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"user_id": ""}, "user_id"),
            ({"game_id": "x"}, "game_id"),
            ({"aggregation": "yearly"}, "aggregation"),
        ],
    )
    async def test_names_the_field_that_is_wrong(
        self, door: Door, mint: Mint, changed: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(GRPCError, match=f"field={field}"):
            await door.stub.get_playtime_statistics(replace(self.ASKED, **changed), metadata=mint())

    @pytest.mark.parametrize(("rule", "field"), [("from", "start_date"), ("to", "end_date")])
    async def test_calls_the_days_as_its_messages_do(
        self, door: Door, mint: Mint, rule: str, field: str
    ) -> None:
        door.show_stats.raises = ValidationFailed(field=rule, reason="out_of_order")

        with pytest.raises(GRPCError, match=f"field={field}, reason=out_of_order"):
            await door.stub.get_playtime_statistics(self.ASKED, metadata=mint())

    async def test_refuses_a_time_beyond_the_calendar(self, door: Door, mint: Mint) -> None:
        end_date = b"\x22\x0a\x08" + b"\xff" * 8 + b"\x7f"  # 2**63 - 1 seconds
        spoiled = bytes(GetPlaytimeStatisticsRequest(user_id=USER)) + end_date

        refusal = await refused(
            door.raw,
            "/library.v1.LibraryQueryService/GetPlaytimeStatistics",
            message=spoiled,
            metadata=mint(),
        )

        assert refusal.status is Status.INVALID_ARGUMENT
        assert json.loads(refusal.trailers["error-details"]) == {
            "field": "end_date",
            "reason": "out_of_range",
        }


@given(st.integers(0, 2**63 - 1), st.uuids(), st.uuids(), st.none() | st.uuids())
def test_a_page_token_leads_back_to_its_place(
    seconds: int, game: UUID, user: UUID, asked: UUID | None
) -> None:
    position = Position(key=seconds, id=game)

    token = page_tokens.write(position, user_id=user, game_id=asked)

    assert page_tokens.read(token, user_id=user, game_id=asked) == position


@given(st.text() | st.binary(max_size=40).map(lambda data: data.hex()))
def test_what_is_no_page_token_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed):
        page_tokens.read(text, user_id=OTHER, game_id=None)
