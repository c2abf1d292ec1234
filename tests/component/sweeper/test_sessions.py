"""The task `sessions` as a process, on a real database: what is over is ended once, and the rest is left for the next pass."""

import asyncio
import os
from typing import Any

import psycopg
from figures import Report
from psycopg.rows import dict_row
from sweeps import a_pass, fill, outcome

SILENT, IDLE, LONG, LIVING = 120, 30, 20, 50
FEW, STALE = 100, int(os.environ.get("STALE_SESSIONS", "600"))
"""`make sweep` has a hundred thousand."""
LAST_BATCH_SECONDS = 5
"""On a machine that has much else to do."""
MEGABYTE = 1 << 20


def rows(dsn: str, statement: str) -> list[dict[str, Any]]:
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        return connection.execute(statement.encode()).fetchall()


async def test_each_session_that_is_over_ends_by_its_own_rule_and_those_that_live_go_on(
    database: str,
) -> None:
    fill(database, silent=SILENT, idle=IDLE, long=LONG, living=LIVING)

    done = await a_pass(database, "--task", "sessions")

    assert done.code == 0, done.output
    found = rows(
        database,
        "SELECT end_reason, count(*) AS sessions, min(duration) AS least, max(duration) AS most, max(afk_seconds) AS away"
        "  FROM playtime_sessions GROUP BY end_reason ORDER BY end_reason",
    )
    assert [tuple(row.values()) for row in found] == [
        ("afk", IDLE, 1_800, 1_800, 0),
        ("max_duration", LONG, 86_400, 86_400, 0),
        ("timeout", SILENT, 1_800, 1_800, 60),
    ]
    assert outcome(database) == {
        "running": LIVING,
        "leases": LIVING,
        "records": SILENT + IDLE + LONG,
        "played": (SILENT + IDLE) * 1_800 + LONG * 86_400,
        "shown": (SILENT + IDLE) * 1_800 + LONG * 86_400,
        "of_days": (SILENT + IDLE) * 1_800 + LONG * 86_400,
        "of_months": (SILENT + IDLE) * 1_800 + LONG * 86_400,
        "told": SILENT + IDLE + LONG,
        "updated": SILENT + IDLE + LONG,
    }


async def test_three_sweepers_at_once_end_each_session_once(database: str) -> None:
    fill(database, silent=400)

    passes = await asyncio.gather(*(a_pass(database, "--task", "sessions") for _ in range(3)))

    assert [each.code for each in passes] == [0, 0, 0], passes
    assert outcome(database)["running"] == 0
    assert_all_once(database, 400)


async def test_a_pass_that_has_no_time_for_all_leaves_the_rest_and_takes_no_more_memory(
    database: str, report: Report
) -> None:
    fill(database, silent=FEW)
    few = await a_pass(database, "--task", "sessions")
    fill(database, silent=STALE, first=FEW)
    deadline = STALE / 2_000

    passes = [await a_pass(database, "--task", "sessions", deadline_seconds=deadline)]
    while passes[-1].left_some:
        passes.append(await a_pass(database, "--task", "sessions", deadline_seconds=50))

    report(
        f"{STALE:,} stale sessions: {passes[0].ended} ended in {passes[0].worked_seconds:.1f} s with a deadline of "
        f"{deadline:g} s, then {sum(each.ended for each in passes[1:])} in "
        f"{sum(each.worked_seconds for each in passes[1:]):.1f} s, {len(passes)} passes, "
        f"with {max(each.peak_bytes for each in passes) / MEGABYTE:.0f} MB at most; "
        f"{few.peak_bytes / MEGABYTE:.0f} MB for {FEW}"
    )
    assert [each.code for each in passes] == [0] * len(passes)
    assert len(passes) > 1
    assert passes[0].ended > 0
    assert passes[0].worked_seconds < deadline + LAST_BATCH_SECONDS
    assert all(each.worked_seconds < 50 + LAST_BATCH_SECONDS for each in passes)
    assert max(each.peak_bytes for each in passes) < few.peak_bytes + 16 * MEGABYTE
    assert_all_once(database, FEW + STALE)


def assert_all_once(dsn: str, sessions: int) -> None:
    """Hold what sessions of half an hour must have left behind."""
    seconds = sessions * 1_800
    assert outcome(dsn) == {
        "running": 0,
        "leases": 0,
        "records": sessions,
        "played": seconds,
        "shown": seconds,
        "of_days": seconds,
        "of_months": seconds,
        "told": sessions,
        "updated": sessions,
    }
