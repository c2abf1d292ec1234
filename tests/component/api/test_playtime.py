"""Looking back on play over REST (contract 2; details 3.8; data 15), over the real database and a clock of our own."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from builders import a_game, game_id, user_id
from component.api.door import LIBRARY, data, refusal
from component.api.playing import GAME, PLAYTIME, House, Player

from library_domain.catalog.use_cases.update_game import UpdateGame, UpdateGameHandler
from library_domain.shared.access import Role

HISTORY = f"{PLAYTIME}/sessions"
STATS = f"{PLAYTIME}/stats"
REPORT = f"{PLAYTIME}/report"


def minutes(page: Any) -> Sequence[int]:
    return [each["duration_seconds"] // 60 for each in page["items"]]


class TestHistory:
    async def test_tells_everything_of_a_session(self, alice: Player) -> None:
        ended = await alice.play(1)

        (session,) = (await alice.sessions())["items"]

        assert session == {
            "id": ended["session_id"],
            "user_id": str(user_id("alice")),
            "game_id": str(GAME),
            "game_name": None,
            "owner_id": str(user_id("alice")),
            "start_time": "2026-11-23T12:00:00Z",
            "end_time": "2026-11-23T12:01:00Z",
            "duration_seconds": 60,
            "played_seconds": 60,
            "afk_seconds": 0,
            "suspended_seconds": 0,
            "device_id": "desktop_client_001",
            "platform": None,
            "game_version": None,
            "is_active": False,
            "status": "completed",
            "end_reason": "client",
            "last_heartbeat_at": "2026-11-23T12:01:00Z",
            "created_at": "2026-11-23T12:01:00Z",
            "updated_at": "2026-11-23T12:01:00Z",
        }

    async def test_begins_with_the_newest_and_is_walked_by_cursors(self, alice: Player) -> None:
        for length in (1, 2, 3, 4, 5):
            await alice.play(length)

        first = await alice.sessions("limit=2")
        second = await alice.sessions(f"limit=2&cursor={first['next_cursor']}")
        third = await alice.sessions(f"limit=2&cursor={second['next_cursor']}")

        assert [minutes(page) for page in (first, second, third)] == [[5, 4], [3, 2], [1]]
        assert minutes(await alice.sessions("limit=2&offset=2")) == minutes(second)
        assert (first["total"], first["offset"], second["total"], second["offset"]) == (5, 0, None, None)
        assert third["next_cursor"] is None

    async def test_is_narrowed_by_game_and_half_open_time(self, alice: Player) -> None:
        await alice.play(1)  # begins at 12:00
        await alice.play(2, "Braid")  # 12:01
        await alice.play(3)  # 12:03

        assert minutes(await alice.sessions(f"game_id={GAME}")) == [3, 1]
        assert minutes(await alice.sessions("from=2026-11-23T12:01:00Z")) == [3, 2]
        assert minutes(await alice.sessions("to=2026-11-23T15:03:00%2B03:00")) == [2, 1]
        assert minutes(await alice.sessions("from=2026-11-23&to=2026-11-24")) == [3, 2, 1]
        assert minutes(await alice.sessions("to=2026-11-23")) == []

    async def test_shows_only_the_members_that_are_asked_for(self, alice: Player) -> None:
        await alice.play(1)

        assert (await alice.sessions("fields=start_time,duration_seconds"))["items"] == [
            {"start_time": "2026-11-23T12:00:00Z", "duration_seconds": 60}
        ]

    async def test_has_an_etag_that_only_an_end_or_a_start_changes(self, alice: Player) -> None:
        tag = (await alice.get(HISTORY)).headers["ETag"]
        unchanged = await alice.get(HISTORY, If_None_Match=tag)

        session = await alice.session()
        started = await alice.get(HISTORY, If_None_Match=tag)
        alice.wait(minutes=1)
        await alice.beat(session)
        beaten = await alice.get(HISTORY, If_None_Match=started.headers["ETag"])
        await alice.end(session)
        ended = await alice.get(HISTORY, If_None_Match=started.headers["ETag"])

        assert [each.status_code for each in (unchanged, started, beaten, ended)] == [304, 200, 304, 200]

    async def test_is_ones_own(self, alice: Player, home: House) -> None:
        await alice.play(1)

        assert await home.player("bob").sessions() == {
            "items": [],
            "total": 0,
            "limit": 20,
            "offset": 0,
            "next_cursor": None,
        }

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("from=2026-11-23T12:00:00", "from"),
            ("from=yesterday", "from"),
            ("to=2026-02-30", "to"),
            ("to=20261123", "to"),
            ("from=1700000000", "from"),
            ("from=0001-01-01T00:00:00%2B14:00", "from"),
            ("from=2026-11-24&to=2026-11-23", "from"),
            ("from=2026-11-23&to=2026-11-23", "from"),
            ("game_id=abc", "game_id"),
            ("game_id=null", "game_id"),
            ("from=null", "from"),
            ("active=1", "active"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("offset=10001", "offset"),
            ("cursor=abc", "cursor"),
            ("cursor=abc&offset=1", "offset"),
            ("cursor=abc&active=true", "cursor"),
            ("fields=name", "fields"),
            ("start=2026-11-23", "start"),
            ("sort=start_time", "sort"),
        ],
    )
    async def test_names_what_is_wrong(self, alice: Player, query: str, field: str) -> None:
        status, code, details = refusal(await alice.get(f"{HISTORY}?{query}"))

        assert (status, code, details["field"]) == (400, "VALIDATION_ERROR", field)

    async def test_a_cursor_is_good_for_its_own_question_only(self, alice: Player, home: House) -> None:
        for _ in range(2):
            await alice.play(1)
        cursor = (await alice.sessions("limit=1"))["next_cursor"]
        await home.give("Portal 2", to="bob")

        for asking, query in (
            (alice, f"game_id={GAME}&cursor={cursor}"),
            (alice, f"from=2026-11-23&cursor={cursor}"),
            (home.player("bob"), f"cursor={cursor}"),
        ):
            assert refusal(await asking.get(f"{HISTORY}?{query}"))[2]["field"] == "cursor"


class TestRunning:
    async def test_shows_what_is_played_now(self, alice: Player) -> None:
        session = await alice.session()
        alice.wait(minutes=1)
        await alice.beat(session)
        alice.wait(seconds=30)

        (running,) = (await alice.sessions("active=true"))["items"]

        assert (running["id"], running["is_active"], running["status"]) == (session, True, "active")
        assert (running["end_time"], running["duration_seconds"], running["end_reason"]) == (None, None, None)
        assert (running["played_seconds"], running["last_heartbeat_at"]) == (60, "2026-11-23T12:01:00Z")

    async def test_is_kept_by_nobody(self, alice: Player) -> None:
        await alice.session()

        answers = [
            await alice.get(f"{HISTORY}?active=true", **headers) for headers in ({}, {"If_None_Match": "*"})
        ]

        for answer in answers:
            assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
            assert "ETag" not in answer.headers

    async def test_is_narrowed_and_paged_as_the_history_is(self, alice: Player) -> None:
        await alice.session()
        alice.wait(minutes=1)
        await alice.session("Braid")

        def games(page: Any) -> Sequence[str]:
            return [each["game_id"] for each in page["items"]]

        braid = str(game_id("Braid"))
        assert games(await alice.sessions("active=true")) == [braid, str(GAME)]
        assert games(await alice.sessions("active=true&limit=1&offset=1")) == [str(GAME)]
        assert games(await alice.sessions(f"active=true&game_id={braid}")) == [braid]
        assert games(await alice.sessions("active=true&to=2026-11-23T12:01:00Z")) == [str(GAME)]
        assert (await alice.sessions("active=true&limit=1"))["total"] == 2


class TestStats:
    async def test_add_up_what_was_played(self, alice: Player) -> None:
        await alice.play(10)
        await alice.play(20, "Braid")
        alice.wait(days=1)
        await alice.play(30)

        stats = data(await alice.get(STATS))

        assert (stats["first_day"], stats["last_day"], stats["aggregation"]) == (
            "2026-10-26",
            "2026-11-24",
            "daily",
        )
        assert (stats["total_playtime_seconds"], stats["sessions_count"]) == (3600, 3)
        assert (stats["average_session_seconds"], stats["longest_session_seconds"]) == (1200, 1800)
        assert (stats["sessions_per_week"], stats["last_played_at"]) == (0.7, "2026-11-24T13:00:00Z")
        assert [(each["game_id"], each["total_playtime_seconds"]) for each in stats["games"]] == [
            (str(GAME), 2400),
            (str(game_id("Braid")), 1200),
        ]
        assert [(each["period"], each["total_playtime_seconds"]) for each in stats["periods"]] == [
            ("2026-11-23", 1800),
            ("2026-11-24", 1800),
        ]

    @pytest.mark.parametrize(
        ("aggregation", "period"), [("daily", "2026-11-23"), ("weekly", "2026-W48"), ("monthly", "2026-11")]
    )
    async def test_are_told_by_day_week_or_month(self, alice: Player, aggregation: str, period: str) -> None:
        await alice.play(1)

        stats = data(await alice.get(f"{STATS}?aggregation={aggregation}"))

        assert [each["period"] for each in stats["periods"]] == [period]
        assert stats["periods"][0]["games_played"] == [str(GAME)]

    async def test_are_those_of_a_game_and_a_time(self, alice: Player) -> None:
        await alice.play(10)
        await alice.play(20, "Braid")

        of_braid = data(await alice.get(f"{STATS}?game_id={game_id('Braid')}"))
        of_no_day = data(await alice.get(f"{STATS}?to=2026-11-23"))
        with_the_day_of_to = data(await alice.get(f"{STATS}?to=2026-11-23T00:00:01Z"))

        assert of_braid["total_playtime_seconds"] == 1200
        assert of_no_day["total_playtime_seconds"] == 0
        assert with_the_day_of_to["total_playtime_seconds"] == 1800

    async def test_leave_out_what_still_runs(self, alice: Player) -> None:
        session = await alice.session()
        alice.wait(minutes=1)
        await alice.beat(session)

        assert data(await alice.get(STATS))["total_playtime_seconds"] == 0

    async def test_are_of_this_moment(self, alice: Player) -> None:
        response = await alice.get(STATS)

        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("aggregation=yearly", "aggregation"),
            ("aggregation=null", "aggregation"),
            ("game_id=1", "game_id"),
            ("from=2026-11-24&to=2026-11-23", "from"),
            ("from=2027-01-01", "from"),
            ("from=2025-01-01&to=2026-11-23", "from"),
            ("from=2026-11-23T12:00:00", "from"),
            ("to=9999-12-31T23:59:59-14:00", "to"),
            ("to=9999-12-31T12:00:00Z", "to"),
            ("limit=5", "limit"),
        ],
    )
    async def test_name_what_is_wrong(self, alice: Player, query: str, field: str) -> None:
        status, code, details = refusal(await alice.get(f"{STATS}?{query}"))

        assert (status, code, details["field"]) == (400, "VALIDATION_ERROR", field)

    @pytest.mark.parametrize(
        "path", [f"{LIBRARY}/users/{{}}/playtime/stats", "/api/v1/users/{}/playtime/stats"]
    )
    async def test_are_shown_to_support_who_leaves_a_trace(
        self, alice: Player, home: House, path: str
    ) -> None:
        await alice.play(10)
        sue = home.player("sue", Role.SUPPORT)

        response = await sue.get(path.format(user_id("alice")))

        assert data(response) == data(await alice.get(STATS))
        assert response.headers["Cache-Control"] == "no-store"
        looks = await home.rows(
            "SELECT user_id, actor_id, details ->> 'part' AS part FROM library_audit_log"
            " WHERE action = 'read_other'"
        )
        assert looks == [{"user_id": user_id("alice"), "actor_id": user_id("sue"), "part": "playtime"}]

    async def test_of_nobody_are_not_found(self, home: House) -> None:
        home.world.accounts.unknown.add(user_id("nobody"))
        sue = home.player("sue", Role.SUPPORT)

        for user in (user_id("nobody"), "abc"):
            response = await sue.get(f"{LIBRARY}/users/{user}/playtime/stats")
            assert refusal(response)[:2] == (404, "NOT_FOUND")


class TestReport:
    @pytest.mark.parametrize("period", ["2026", "2026-11"])
    async def test_tells_of_a_year_or_a_month(self, alice: Player, period: str) -> None:
        await alice.play(30)
        alice.wait(days=1)
        await alice.play(20, "Braid")

        report = data(await alice.get(f"{REPORT}?period={period}"))

        assert (report["period"], report["total_playtime_seconds"], report["sessions_count"]) == (
            period,
            3000,
            2,
        )
        assert (report["games_count"], report["days_played"], report["new_games_count"]) == (2, 2, 2)
        assert [each["total_playtime_seconds"] for each in report["top_games"]] == [1800, 1200]
        assert (report["busiest_weekday"], report["busiest_hour"]) == (1, 12)
        assert report["longest_streak"] == {"days": 2, "first_day": "2026-11-23", "last_day": "2026-11-24"}

    async def test_tells_of_a_time_without_play(self, alice: Player) -> None:
        report = data(await alice.get(f"{REPORT}?period=2020-02"))

        assert (report["first_day"], report["last_day"]) == ("2020-02-01", "2020-02-29")
        assert (report["busiest_weekday"], report["busiest_hour"], report["longest_streak"]) == (None,) * 3

    @pytest.mark.parametrize(
        "query", ["", "period=", "period=26", "period=2026-13", "period=2026-1", "period=0000"]
    )
    async def test_needs_a_year_or_a_month(self, alice: Player, query: str) -> None:
        status, code, details = refusal(await alice.get(f"{REPORT}?{query}"))

        assert (status, code, details["field"]) == (400, "VALIDATION_ERROR", "period")

    async def test_is_a_table_for_whoever_wants_one(self, alice: Player, home: House) -> None:
        named = replace(a_game("Portal 2"), name='=HYPERLINK("http://evil", "Портал")')
        await UpdateGameHandler(uow=home.world.uow)(UpdateGame(game=named))
        await alice.play(30)

        response = await alice.get(f"{REPORT}?period=2026-11", Accept="text/csv")

        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/csv; header=present; charset=utf-8"
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert response.headers["Content-Disposition"] == 'attachment; filename="playtime-2026-11.csv"'
        table = list(csv.reader(io.StringIO(response.text, newline="")))
        assert table[0] == ["section", "measure", "game_id", "game_name", "value"]
        assert ["summary", "total_playtime_seconds", "", "", "1800"] in table
        assert [
            "top_games",
            "total_playtime_seconds",
            str(GAME),
            """'=HYPERLINK("http://evil", "Портал")""",
            "1800",
        ] in table

    async def test_has_an_etag_for_each_form(self, alice: Player) -> None:
        path = f"{REPORT}?period=2026"
        forms = ("application/json", "text/csv")
        tags = [(await alice.get(path, Accept=form)).headers["ETag"] for form in forms]

        again = {
            (form, tag == own): (await alice.get(path, Accept=form, If_None_Match=tag)).status_code
            for form, own in zip(forms, tags, strict=True)
            for tag in tags
        }

        assert again == {(form, is_own): 304 if is_own else 200 for form in forms for is_own in (True, False)}
        assert (await alice.get(path)).headers["Vary"] == "Accept, Accept-Encoding, Authorization"
