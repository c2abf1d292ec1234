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
    "active_sessions, copy_leases, playtime_sessions, playtime_stats_daily, playtime_stats_monthly, recent_sessions,"
    " outbox"
)
_FIRST_REVISION = 1
_COLUMNS = (
    "user_id, session_id, game_id, library_item_id, owner_id, device_id, platform, start_time, last_heartbeat_at,"
    " last_input_at, revision"
)
_AGO = timedelta(seconds=30)
_LINES_AT_ONCE = 2_000
_WARMING_SHARE = 5
"""One in so many sessions is begun or ended while it gets warm."""
_PLAYABLE_EACH = 42
"""The first games of a player may be started; the others are withdrawn or will be, see seed.py."""
_STARTS_AT_MOST = 200_000
"""As many as there are ends of a million rows; wrk reads them all before it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFiles:
    """Which sessions a load is about: a line each, with the number of the player and the id, for starts that of the game."""

    warmup: Path
    measured: Path


def forget(dsn: str) -> None:
    """Bring the players back to where nobody had played: what is there of an earlier load is no part of the next one.

    An ETag that is good for everybody's page (`unchanged`) needs that as much as starts do.
    """
    with psycopg.connect(dsn, autocommit=True, application_name="library-dev bench") as connection:
        with connection.transaction():
            _forget(connection)
        connection.execute("VACUUM (ANALYZE) user_revisions")


def prepare(dsn: str, scenario: str, *, players: int, folder: Path) -> SessionFiles | None:
    """Give every player the sessions that the scenario wants, begun a moment ago; None if it wants nothing of sessions."""
    if scenario not in RUNNING_EACH:
        forget(dsn)
        return None
    began = (datetime.now(UTC) - _AGO).replace(microsecond=0)
    each = RUNNING_EACH[scenario]
    with psycopg.connect(dsn, autocommit=True, application_name="library-dev bench") as connection:
        # At once: requests of the load before may still be under way, and find everything or nothing.
        with connection.transaction():
            _forget(connection)
            for table, columns, rows in (
                ("active_sessions", _COLUMNS, _sessions(players, each, began)),
                (
                    "copy_leases",
                    "user_id, game_id, session_id, player_id, since",
                    _leases(players, each, began),
                ),
            ):
                with (
                    connection.cursor() as cursor,
                    cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
                ):
                    while chunk := "".join(islice(rows, _LINES_AT_ONCE)):
                        copy.write(chunk)
        connection.execute("VACUUM (ANALYZE) user_revisions, active_sessions, copy_leases")
        connection.execute("CHECKPOINT")
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"{player}\t{session_id(player, slot, began) if each else game_id(base_game(player, slot))}\n"
        for player, slot in _running(players, each or _startable_each(players))
    ]
    # What was begun or ended while it got warm, is not begun or ended again.
    warming = 0 if scenario == "heartbeat" else len(lines) // _WARMING_SHARE
    files = SessionFiles(warmup=folder / "warmup", measured=folder / "measured")
    files.warmup.write_text("".join(lines[:warming] or lines))
    files.measured.write_text("".join(lines[warming:]))
    return files


def _forget(connection: psycopg.Connection) -> None:
    # The users first, as whoever writes: the other way round they would wait for one another.
    connection.execute(
        "UPDATE user_revisions SET revision = %(first)s WHERE revision <> %(first)s",
        {"first": _FIRST_REVISION},
    )
    connection.execute(f"TRUNCATE {_EMPTIED}")


def _startable_each(players: int) -> int:
    return max(1, min(_PLAYABLE_EACH, _STARTS_AT_MOST // players))


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
