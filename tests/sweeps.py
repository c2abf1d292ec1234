"""Sessions that nobody ended, by the thousand, and passes of the sweeper over them."""

import asyncio
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

_DONE = re.compile(r'"done":"[^"]*sessions=(\d+)')
_SECONDS = re.compile(r'"seconds":([0-9.]+)')
_KILOBYTE = 1 << 10  # of ru_maxrss on Linux
# What a child had at most is at least what its parent had when it was forked: its parent must be small.
_LAUNCH = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""

# One session per player, who owns one game. Times are whole seconds, as ours are; each number is one player.
_FILL = """
SET timezone TO 'UTC';
CREATE TEMPORARY TABLE given ON COMMIT DROP AS
SELECT md5('player ' || n)::uuid AS user_id, md5('game ' || n)::uuid AS game_id, md5('item ' || n)::uuid AS item_id,
       overlay(md5('session ' || n) placing '7' from 13 for 1)::uuid AS session_id, kind
  FROM (
           SELECT n, CASE WHEN n < %(first)s + %(silent)s THEN 'silent'
                          WHEN n < %(first)s + %(silent)s + %(idle)s THEN 'idle'
                          WHEN n < %(first)s + %(silent)s + %(idle)s + %(long)s THEN 'long'
                          ELSE 'living' END AS kind
             FROM generate_series(%(first)s, %(first)s + %(silent)s + %(idle)s + %(long)s + %(living)s - 1) AS n
       ) AS numbered;
INSERT INTO user_revisions (user_id, revision, changed_at) SELECT user_id, 1, %(start)s FROM given;
INSERT INTO user_libraries (id, user_id, game_id, product_type, acquisition_type, revision)
SELECT item_id, user_id, game_id, 'game', 'purchase', 1 FROM given;
INSERT INTO copy_leases (user_id, game_id, session_id, player_id, since)
SELECT user_id, game_id, session_id, user_id, %(start)s FROM given;
INSERT INTO active_sessions (user_id, session_id, game_id, library_item_id, owner_id, device_id, start_time,
                             last_heartbeat_at, last_input_at, active_first_day, active_second_day, revision)
SELECT user_id, session_id, game_id, item_id, user_id, 'pc', begun, called, touched,
       least(seconds, before_midnight), greatest(0, seconds - before_midnight), 1
  FROM given
  JOIN (
           VALUES -- half an hour of play, then a minute without input, then nothing
                  ('silent', interval '1 hour', interval '29 minutes', interval '30 minutes'),
                  -- half an hour of play, then an hour and more of signs of life without input
                  ('idle', interval '95 minutes', interval '0', interval '65 minutes'),
                  -- a day of play; its last sign of life ten seconds before that was over
                  ('long', interval '86500 seconds', interval '110 seconds', interval '110 seconds'),
                  ('living', interval '10 minutes', interval '0', interval '0')
       ) AS told (kind, begun_ago, called_ago, touched_ago) USING (kind)
 CROSS JOIN LATERAL (
           SELECT %(now)s - begun_ago AS begun, %(now)s - called_ago AS called, %(now)s - touched_ago AS touched
       ) AS moments
 CROSS JOIN LATERAL (
           SELECT extract(EPOCH FROM touched - begun)::integer AS seconds,
                  extract(EPOCH FROM date_trunc('day', begun) + interval '1 day' - begun)::integer AS before_midnight
       ) AS counted;
"""
_OUTCOME = """
SELECT (SELECT count(*) FROM active_sessions) AS running,
       (SELECT count(*) FROM copy_leases) AS leases,
       (SELECT count(*) FROM playtime_sessions) AS records,
       (SELECT coalesce(sum(duration), 0)::bigint FROM playtime_sessions) AS played,
       (SELECT coalesce(sum(total_playtime), 0)::bigint FROM user_libraries) AS shown,
       (SELECT coalesce(sum(total_playtime), 0)::bigint FROM playtime_stats_daily) AS of_days,
       (SELECT coalesce(sum(total_playtime), 0)::bigint FROM playtime_stats_monthly) AS of_months,
       (SELECT count(DISTINCT user_id) FROM outbox WHERE type = 'library.session.ended') AS told,
       (SELECT count(*) FROM outbox WHERE type = 'library.playtime.updated') AS updated
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One pass as a process."""

    code: int
    output: str
    seconds: float
    peak_bytes: int

    @property
    def ended(self) -> int:
        """Return how many sessions it ended."""
        found = _DONE.search(self.output)
        return int(found[1]) if found else 0

    @property
    def worked_seconds(self) -> float:
        """Return how long it worked; `seconds` has the process's start and end too."""
        found = _SECONDS.search(self.output)
        return float(found[1]) if found else 0.0

    @property
    def left_some(self) -> bool:
        """Tell whether its time was up before it had walked through all."""
        return '"unfinished":"sessions"' in self.output


def fill(dsn: str, *, silent: int = 0, idle: int = 0, long: int = 0, living: int = 0, first: int = 0) -> None:
    """Leave sessions that are over by silence, by idleness and by their length, and some that live; `first` numbers them."""
    now = datetime.now(UTC).replace(microsecond=0)
    start = now - timedelta(days=2)
    numbers = {"silent": silent, "idle": idle, "long": long, "living": living, "first": first}
    # psycopg sends several statements at once only without parameters of the server's.
    with psycopg.connect(dsn) as connection:
        statement = psycopg.ClientCursor(connection).mogrify(
            _FILL,
            {**numbers, "now": now, "start": start},
        )
        connection.execute(statement.encode())
        # As the server would have done by itself long before so many sessions were over: without statistics it takes the
        # walk for a few rows, and sorts all that are left for each batch.
        connection.execute("ANALYZE active_sessions, user_revisions")


def outcome(dsn: str) -> dict[str, Any]:
    """Return what is there: sessions, records, sums, events."""
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        row = connection.execute(_OUTCOME).fetchone()
        assert row is not None
        return row


async def a_pass(dsn: str, *arguments: str, deadline_seconds: float = 50.0, **settings: str) -> Pass:
    """Run the sweeper once."""
    environment = os.environ | settings
    environment["LIBRARY_POSTGRES__DSN"] = dsn
    environment["LIBRARY_SWEEPER__DEADLINE_SECONDS"] = str(deadline_seconds)
    return await asyncio.to_thread(_run, arguments, environment)


def _run(arguments: tuple[str, ...], environment: dict[str, str]) -> Pass:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _LAUNCH, sys.executable, "-m", "library_sweeper", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    *lines, peak = done.stdout.splitlines(keepends=True)
    return Pass(
        code=done.returncode,
        output="".join(lines),
        seconds=time.monotonic() - began,
        peak_bytes=int(peak) * _KILOBYTE,
    )
