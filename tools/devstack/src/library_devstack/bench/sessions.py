"""Sessions for the scenarios that write: the tables are emptied before each, so that everybody begins with the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import psycopg

from library_devstack.bench.population import base_game, game_id, player_id, row_id, session_id

RUNNING_EACH = {"heartbeat": 1, "start": 0, "end": 10}
"""How many sessions every player has running when a scenario begins."""
_EMPTIED = (
    "active_sessions, copy_leases, playtime_sessions, playtime_stats_daily, playtime_stats_monthly, outbox"
)
_COLUMNS = (
    "user_id, session_id, game_id, library_item_id, owner_id, device_id, platform, start_time, last_heartbeat_at,"
    " last_input_at, revision"
)
_AGO = timedelta(seconds=30)
_LINES_AT_ONCE = 2_000
_WARMING_SHARE = 5
"""One in so many sessions is ended while it gets warm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFiles:
    """Which sessions a load is about: a line each, with the number of the player and the id."""

    warmup: Path
    measured: Path


def prepare(dsn: str, scenario: str, *, players: int, folder: Path) -> SessionFiles | None:
    """Give every player the sessions that the scenario wants, begun a moment ago; None if it wants nothing of sessions."""
    if scenario not in RUNNING_EACH:
        return None
    began = (datetime.now(UTC) - _AGO).replace(microsecond=0)
    each = RUNNING_EACH[scenario]
    with psycopg.connect(dsn, autocommit=True, application_name="library-dev bench") as connection:
        connection.execute(f"TRUNCATE {_EMPTIED}")
        for table, columns, lines in (
            ("active_sessions", _COLUMNS, _sessions(players, each, began)),
            ("copy_leases", "user_id, game_id, session_id, player_id, since", _leases(players, each, began)),
        ):
            with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                while chunk := "".join(islice(lines, _LINES_AT_ONCE)):
                    copy.write(chunk)
        connection.execute("VACUUM (ANALYZE) active_sessions, copy_leases")
        connection.execute("CHECKPOINT")
    folder.mkdir(parents=True, exist_ok=True)
    running = [f"{player}\t{session_id(player, slot, began)}\n" for player, slot in _running(players, each)]
    warming = len(running) // _WARMING_SHARE if scenario == "end" else 0
    files = SessionFiles(warmup=folder / "warmup", measured=folder / "measured")
    files.warmup.write_text("".join(running[:warming] or running))
    files.measured.write_text("".join(running[warming:]))
    return files


def _running(players: int, each: int) -> Iterator[tuple[int, int]]:
    return ((player, slot) for slot in range(each) for player in range(players))


def _sessions(players: int, each: int, began: datetime) -> Iterator[str]:
    for player, slot in _running(players, each):
        user = player_id(player)
        yield (
            "\t".join(
                map(
                    str,
                    (
                        user,
                        session_id(player, slot, began),
                        game_id(base_game(player, slot)),
                        row_id(player, slot),
                        user,
                        "pc",
                        "windows",
                        began,
                        began,
                        began,
                        1,
                    ),
                )
            )
            + "\n"
        )


def _leases(players: int, each: int, began: datetime) -> Iterator[str]:
    for player, slot in _running(players, each):
        user, session = player_id(player), session_id(player, slot, began)
        yield f"{user}\t{game_id(base_game(player, slot))}\t{session}\t{user}\t{began}\n"
