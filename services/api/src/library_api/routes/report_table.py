"""The report as a table (contract 2): comma-separated values in UTF-8 with a row of names (RFC 4180)."""

import csv
import io
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime
from uuid import UUID

from library_domain.playtime.queries import GamePlaytime, PlaytimeReport

COLUMNS = ("section", "measure", "game_id", "game_name", "value")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula."""

Value = str | int | float | date | UUID | None


def report_table(report: PlaytimeReport) -> bytes:
    """Return one row for each thing that the report says; what nothing was played for has no value."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    for section, measure, game_id, name, value in _rows(report):
        writer.writerow((section, measure, _cell(game_id), _cell(name), _cell(value)))
    return table.getvalue().encode()


def _rows(report: PlaytimeReport) -> Iterator[tuple[str, str, UUID | None, str | None, Value]]:
    streak = report.longest_streak
    summary: dict[str, Value] = {
        "period": report.period,
        "first_day": report.first_day,
        "last_day": report.last_day,
        "total_playtime_seconds": report.total_playtime_seconds,
        "sessions_count": report.sessions_count,
        "games_count": report.games_count,
        "days_played": report.days_played,
        "busiest_weekday": report.busiest_weekday,
        "busiest_hour": report.busiest_hour,
        "longest_streak_days": streak.days if streak else None,
        "longest_streak_first_day": streak.first_day if streak else None,
        "longest_streak_last_day": streak.last_day if streak else None,
        "new_games_count": report.new_games_count,
    }
    for measure, value in summary.items():
        yield "summary", measure, None, None, value
    for game in report.top_games:
        for measure in _MEASURES:
            yield "top_games", measure, game.game_id, game.name, getattr(game, measure)
    for new in report.new_games:
        yield "new_games", "acquisition_date", new.game_id, new.name, new.acquisition_date


_MEASURES = [each.name for each in fields(GamePlaytime) if each.name not in {"game_id", "name"}]


def _cell(value: Value) -> str:
    """Return the value as text; what a spreadsheet would take for a formula gets an apostrophe in front (CSV injection)."""
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case str() if value.startswith(_FORMULA):
            return f"'{value}"
        case _:
            return str(value)
