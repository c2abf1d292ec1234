"""The report as a table: true to the report, and harmless in a spreadsheet whatever a game is called."""

import csv
import io
from datetime import UTC, date, datetime

import pytest
from builders import game_id
from hypothesis import given
from hypothesis import strategies as st

from library_api.routes.report_table import COLUMNS, report_table
from library_domain.playtime.queries import GamePlaytime, LongestStreak, NewGame, PlaytimeReport

FORMULAS = "=+-@＝＋－＠\t\r\n"
"""What spreadsheets take for the beginning of a formula (OWASP, CSV injection)."""
GAME = game_id("Portal 2")


def a_report(name: str | None = "Portal 2", *, streak: LongestStreak | None = None) -> PlaytimeReport:
    played = GamePlaytime(
        game_id=GAME,
        name=name,
        total_playtime_seconds=7_200,
        sessions_count=2,
        average_session_seconds=3_600,
        longest_session_seconds=5_000,
        last_played_at=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
    )
    return PlaytimeReport(
        period="2026-11",
        first_day=date(2026, 11, 1),
        last_day=date(2026, 11, 30),
        total_playtime_seconds=7_200,
        sessions_count=2,
        games_count=1,
        days_played=2,
        top_games=[played],
        busiest_weekday=1,
        busiest_hour=0,
        longest_streak=streak,
        new_games_count=1,
        new_games=[NewGame(game_id=GAME, name=name, acquisition_date=datetime(2026, 11, 2, tzinfo=UTC))],
    )


def rows(report: PlaytimeReport) -> list[list[str]]:
    return list(csv.reader(io.StringIO(report_table(report).decode(), newline=""), strict=True))


def test_begins_with_the_names_of_its_columns() -> None:
    assert tuple(rows(a_report())[0]) == COLUMNS


def test_tells_each_thing_in_a_row_of_its_own() -> None:
    streak = LongestStreak(days=2, first_day=date(2026, 11, 22), last_day=date(2026, 11, 23))

    told = {
        (section, measure, game): value for section, measure, game, _, value in rows(a_report(streak=streak))
    }

    game = str(GAME)
    assert told["summary", "period", ""] == "2026-11"
    assert told["summary", "last_day", ""] == "2026-11-30"
    assert told["summary", "total_playtime_seconds", ""] == "7200"
    assert told["summary", "busiest_hour", ""] == "0"
    assert told["summary", "longest_streak_first_day", ""] == "2026-11-22"
    assert told["top_games", "longest_session_seconds", game] == "5000"
    assert told["top_games", "last_played_at", game] == "2026-11-23T12:00:00Z"
    assert told["new_games", "acquisition_date", game] == "2026-11-02T00:00:00Z"
    assert len(told) == len(rows(a_report()))


def test_has_nothing_where_there_is_nothing_to_tell() -> None:
    told = {measure: (name, value) for _, measure, _, name, value in rows(a_report(None))}

    assert told["longest_streak_days"] == ("", "")
    assert told["total_playtime_seconds"] == ("", "7200")


@pytest.mark.parametrize(
    "name", ["=1+1", "+7 495", "-1", "@SUM(A1)", "\t=1", "\r\n=1", "＝1", '=cmd|" /C calc"!A0']
)
def test_no_name_begins_a_formula(name: str) -> None:
    assert {row[3] for row in rows(a_report(name))[1:]} == {"", f"'{name}"}


@given(st.text(st.sampled_from(FORMULAS + "',\";a Я") | st.characters(codec="utf-8"), max_size=20))
def test_every_name_is_read_back_as_a_text(name: str) -> None:
    table = rows(a_report(name))

    assert {len(row) for row in table} == {len(COLUMNS)}
    (shown,) = {row[3] for row in table if row[0] == "top_games"}
    assert shown.removeprefix("'") == name.removeprefix("'")
    assert not shown.startswith(tuple(FORMULAS))
