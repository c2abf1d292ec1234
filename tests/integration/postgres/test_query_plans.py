"""Every named statement finds its rows by an index, on tables of twenty thousand rows. A statement that reads a whole
table or index is listed below with its reason, or fails here and not under load."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from library_adapters.postgres import migrate
from library_adapters.postgres.hot_reads.batches import SESSION, WRITING_SESSION
from library_adapters.postgres.statements import families, statements
from library_devstack.stack import Postgres

READS_EVERYTHING = {
    "epoch.move_epoch": "a table of one row",
    "ledgers.kept_since": "the server's own catalog",
    "library_reader.version": "catalog.epoch is a table of one row; the user's row is found by its key",
    "library_reader.version.batch": "the same for many users, whose rows are found by their keys",
    "maintenance.forgotten_stubs": "an index of nothing but stubs, which are few",
    "maintenance.old_partitions": "the server's own catalog",
    "maintenance.partitions_ahead": "the server's own catalog",
    "outbox.oldest_parked": "in the index's order, up to the limit",
    "sessions.count": "all running sessions, once in a walk",
    "shelves.users": "all users, in the order of their key, up to the limit",
    "outbox.count_parked": "counts the alerts: the table is empty while all is well",
}


def made_of(name: str, number: int) -> str:
    """Return the id that the rows below give to a thing."""
    return str(UUID(hashlib.md5(f"{name} {number}".encode()).hexdigest()))


BATCH = range(1, 101)
VALUES: dict[str, object] = {
    "user_id": made_of("user", 7),
    "each_user_id": [made_of("user", number) for number in BATCH],
    "each_game_id": [made_of("game", number) for number in BATCH],
    "each_now": ["2026-11-23 12:00Z" for _ in BATCH],
    "each_played_since": [None for _ in BATCH],
    "game_id": made_of("game", 490),
    "game_ids": [made_of("game", 490), made_of("game", 497)],
    "now": "2026-11-23 12:00Z",
    "before": "2026-11-01 12:00Z",
    "limit": 100,
    "offset": 0,
    "shards": list(range(16)),
    "each": 13,
    "user_ids": [made_of("user", number) for number in BATCH],
    "revisions": list(BATCH),
    "ns": [0 for _ in BATCH],
    "revision": 7,
    "n": 0,
    "consumer": "library",
    "event_id": made_of("event", 7),
    "transaction_id": "t-7",
    "subscription_id": "s-1",
    "source_id": "subscription:s-1",
    "operation": "wishlist.add",
    "key": "k-7",
    "id": made_of("entry", 7),
    "kind": "catalog.fetch_metadata",
    "parents": ["library_audit_log"],
    "today": "2026-11-23",
    "step": "month",
    "befores": ["2025-11-01 00:00Z"],
    "session_id": made_of("session", 7),
    "start_time": "2026-11-22 00:00Z",
    "dates": ["2026-11-22", "2026-11-23"],
    "device_id": "desktop",
    "after_user_id": made_of("user", 7),
    "after_session_id": made_of("session", 7),
    "before_user_id": "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "silent_since": "2026-11-23 11:57Z",
    "idle_since": "2026-11-23 11:00Z",
    "started_before": "2026-11-22 12:00Z",
    "afk_after": 600,
    "owner_ids": [made_of("user", 7), made_of("user", 8)],
    # The playtime of November.
    "start": "2026-11-01 00:00Z",
    "since": "2026-10-31 00:00Z",
    "end": "2026-12-01 00:00Z",
    "first": "2026-11-01",
    "games_max": 10,
    "after_start": "2026-11-22 00:00Z",
    "after_seconds": 3_600,
    "after_id": made_of("game", 490),
    "after": None,
    "until": "2026-11-23 12:01Z",
    "lease": made_of("lease", 7),
    # A page without any filter.
    "is_hidden": False,
    "withdrawn": False,
    "kinds": None,
    "statuses": None,
    "only_favorite": False,
    "only_shared": False,
    "only_unplayed": False,
    "played_since": None,
    "name_like": None,
    "category_key": None,
}

ROWS = """
SET timezone TO 'UTC';
INSERT INTO user_revisions (user_id, revision, changed_at)
SELECT md5('user ' || n)::uuid, 1, '2026-11-23' FROM generate_series(1, 20000) AS n;
INSERT INTO catalog.games (game_id, name, sort_name, product_type, parent_game_id, is_stub, event_at,
                           event_id)
SELECT md5('game ' || n)::uuid, 'Game ' || n, 'game ' || n,
       CASE WHEN n % 7 = 1 THEN 'dlc' ELSE 'game' END,
       CASE WHEN n % 7 = 1 THEN md5('game ' || n - 1)::uuid END, false, '2026-11-23', md5('event ' || n)::uuid
  FROM generate_series(0, 19999) AS n;
INSERT INTO user_libraries (id, user_id, game_id, product_type, acquisition_type, install_device_id, revision)
SELECT md5('entry ' || n)::uuid, md5('user ' || n / 10)::uuid, md5('game ' || n * 7 % 20000)::uuid, 'game', 'purchase',
       'desktop', 1
  FROM generate_series(0, 19999) AS n;
UPDATE user_libraries SET shown_until = '2026-12-23' WHERE id IN (
    SELECT md5('entry ' || n)::uuid FROM generate_series(0, 19999, 20) AS n
);
INSERT INTO library_grants (user_id, game_id, acquisition_type, source_id, transaction_id, granted_at, event_time, revision)
SELECT user_id, game_id, 'purchase', 't-' || id, 't-' || id, '2026-11-23', '2026-11-23', 1 FROM user_libraries;
INSERT INTO refunds (user_id, transaction_id, game_id, event_time, event_id, revision, created_at)
SELECT md5('user ' || n)::uuid, 't-' || n, md5('game ' || n)::uuid, '2026-11-23', md5('event ' || n)::uuid, 1,
       '2026-11-23'::timestamptz - n * interval '2 min'
  FROM generate_series(0, 19999) AS n;
INSERT INTO subscriptions (user_id, subscription_id, status, games, expires_at, event_time, event_id, named, named_at,
                           revision, created_at, updated_at)
SELECT md5('user ' || n)::uuid, 's-1', 'active', '{}', '2026-12-23', '2026-11-23', md5('event ' || n)::uuid, '{}', '{}', 1,
       '2026-11-23', '2026-11-23'
  FROM generate_series(0, 19999) AS n;
INSERT INTO user_installations (user_id, game_id, device_id, status, event_at, event_id, revision)
SELECT user_id, game_id, 'desktop', 'installed', '2026-11-23', id, 1 FROM user_libraries;
-- Partitions from July to February and to March, each with rows: an empty one would not be read by its index.
SELECT ensure_partitions('playtime_sessions', 'month', '2026-07-01', 7),
       ensure_partitions('playtime_stats_daily', 'quarter', '2026-07-01', 7);
INSERT INTO active_sessions (user_id, session_id, game_id, library_item_id, owner_id, device_id, start_time,
                             last_heartbeat_at, last_input_at, revision)
SELECT user_id, md5('session ' || id)::uuid, game_id, id, user_id, 'desktop', '2026-11-23 11:50', '2026-11-23 11:59',
       '2026-11-23 11:59', 1
  FROM user_libraries;
INSERT INTO copy_leases (user_id, game_id, session_id, player_id, since)
SELECT user_id, game_id, session_id, user_id, start_time FROM active_sessions;
INSERT INTO playtime_sessions (id, user_id, game_id, library_item_id, start_time, end_time, duration, device_id,
                               last_heartbeat_at, owner_id, active_first_day, afk_seconds, suspended_seconds, end_reason,
                               over_since, told_idle, total_playtime_after, revision)
SELECT md5('ended ' || n || id)::uuid, user_id, game_id, id, began, began + interval '1 hour', 3600, 'desktop', began,
       user_id, 3600, 0, 0, 'client', began, false, 3600, 1
  FROM user_libraries, generate_series(-3, 4) AS n, LATERAL (SELECT '2026-11-22'::timestamptz - n * interval '30 days')
    AS at (began);
INSERT INTO recent_sessions (user_id, game_id, sessions, revision)
SELECT user_id, game_id, '[{}]', 1 FROM user_libraries;
INSERT INTO playtime_stats_daily (user_id, date, game_id, library_item_id, total_playtime, sessions_count, last_played_at,
                                  revision)
SELECT user_id, start_time::date, game_id, library_item_id, 3600, 1, end_time, 1 FROM playtime_sessions;
INSERT INTO playtime_stats_monthly (user_id, game_id, year, month, library_item_id, total_playtime, sessions_count,
                                    first_played_at, last_played_at, revision)
SELECT user_id, game_id, extract(YEAR FROM start_time), extract(MONTH FROM start_time), library_item_id, 3600, 1, start_time,
       end_time, 1
  FROM playtime_sessions
    ON CONFLICT DO NOTHING;
INSERT INTO erasure_jobs (user_id, event_id, requested_at, state)
SELECT md5('user ' || n)::uuid, md5('event ' || n)::uuid, '2026-11-23', 'requested'
  FROM generate_series(0, 19999) AS n;
INSERT INTO user_game_categories (id, user_id, name, name_key, revision)
SELECT md5('category ' || n)::uuid, md5('user ' || n / 10)::uuid, 'c ' || n, 'c ' || n, 1
  FROM generate_series(0, 19999) AS n;
INSERT INTO user_game_category_items (user_id, category_id, library_item_id)
SELECT md5('user ' || n / 10)::uuid, md5('category ' || n)::uuid, md5('entry ' || n)::uuid
  FROM generate_series(0, 19999) AS n;
INSERT INTO outbox (user_id, revision, n, id, aggregatetype, type, payload, shard, written_at)
SELECT md5('user ' || n)::uuid, n, 0, md5('event ' || n)::uuid, 'library-events', 'library.game.added',
       json_build_object('data', repeat('x', 700)), n % 16,
       '2026-11-23'::timestamptz + n * interval '1 ms'
  FROM generate_series(0, 19999) AS n;
INSERT INTO outbox_parked
SELECT *, 'refused', written_at - n * interval '1 hour' FROM outbox;
INSERT INTO inbox (user_id, consumer, event_id, at)
SELECT md5('user ' || n)::uuid, 'library', md5('event ' || n)::uuid, '2026-11-23'::timestamptz - n * interval '2 min'
  FROM generate_series(0, 19999) AS n;
INSERT INTO idempotency_keys (user_id, operation, key, request_sha256, created_at)
SELECT md5('user ' || n)::uuid, 'wishlist.add', 'k-' || n, '', '2026-11-23'::timestamptz - n * interval '2 min'
  FROM generate_series(0, 19999) AS n;
INSERT INTO jobs (kind, key, state, due_at, created_at, updated_at)
SELECT 'catalog.fetch_metadata', md5('game ' || n), CASE WHEN n % 500 = 0 THEN 'failed' ELSE 'waiting' END,
       '2026-11-23'::timestamptz + n * interval '1 min', '2026-11-23', '2026-11-23'
  FROM generate_series(0, 19999) AS n;
ANALYZE;
"""

PARAMETER = re.compile(r"%\((\w+)\)s")
PLANNED = re.compile(r"(/\*.*?\*/ )?(SELECT|INSERT|UPDATE|DELETE|WITH)\b")


@pytest.fixture(scope="module")
def filled_database(postgres: Postgres) -> Iterator[str]:
    dsn = postgres.create_database("filled")
    migrate.apply(dsn, today=datetime(2026, 7, 1, tzinfo=UTC))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(ROWS)
    yield dsn
    postgres.drop_database("filled")


@pytest.fixture
def filled(filled_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(filled_database, autocommit=True) as connection:
        yield connection


def plan(
    connection: psycopg.Connection,
    statement: str,
    *,
    generic: bool,
    values: dict[str, object] | None = None,
) -> dict[str, Any]:
    """Return the plan for any values, as the server keeps it for a prepared statement, or for those above.

    With `values` of its own the statement is run, and the plan tells what of it was done.
    """
    names = list(dict.fromkeys(PARAMETER.findall(statement)))
    numbered = PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", statement).replace("%%", "%")
    chosen = values or ({} if generic else VALUES)
    listed = sql.SQL(", ").join(sql.Literal(chosen.get(name)) for name in names)
    connection.execute(f"SET plan_cache_mode = force_{'generic' if generic else 'custom'}_plan")
    connection.execute(f"PREPARE planned AS {numbered}")
    try:
        called = sql.SQL(f"EXPLAIN (ANALYZE {values is not None}, FORMAT JSON) EXECUTE planned") + (
            sql.SQL("({})").format(listed) if names else sql.SQL("")
        )
        (document,) = connection.execute(called).fetchone() or ([],)
    finally:
        connection.execute("DEALLOCATE planned")
    root: dict[str, Any] = document[0]["Plan"]
    return root


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def whole_reads(plan: dict[str, Any]) -> list[str]:
    """Return the tables and indexes that the plan reads from end to end."""
    return [
        f"{node['Node Type']} of {node.get('Relation Name') or node.get('Index Name')}"
        for node in nodes(plan)
        if node["Node Type"] == "Seq Scan"
        or (
            node["Node Type"] in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}
            and "Index Cond" not in node
        )
    ]


def planned_statements() -> dict[str, str]:
    return {
        f"{family}.{name}": text
        for family in families()
        for name, text in statements(family).items()
        if PLANNED.match(text)
    }


def test_every_statement_finds_its_rows_by_an_index(filled: psycopg.Connection) -> None:
    named = planned_statements()
    real = {name: text for name, text in named.items() if set(PARAMETER.findall(text)) <= set(VALUES)}
    assert {
        "library_reader.page_by_name.ASC",
        "library_reader.item",
        "outbox.pending",
        "outbox.remove",
    } <= set(real)

    for_any = {name: whole_reads(plan(filled, text, generic=True)) for name, text in named.items()}
    for_real = {name: whole_reads(plan(filled, text, generic=False)) for name, text in real.items()}

    for name, value in SESSION.items():
        filled.execute(sql.SQL("SET {} TO {}").format(sql.Identifier(name), sql.Literal(value)))
    for_many = {
        name: whole_reads(plan(filled, text, generic=True))
        for name, text in named.items()
        if name.endswith(".batch")
    }

    assert {name for name, read in for_many.items() if read} == {"library_reader.version.batch"}
    for plans in (for_any, for_real):
        whole = {name: read for name, read in plans.items() if read}
        assert {name: read for name, read in whole.items() if name not in READS_EVERYTHING} == {}
        assert set(READS_EVERYTHING) == set(whole), "an exception that is no longer needed"


def test_sessions_are_found_by_an_index_also_by_a_plan_of_a_quiet_night(filled: psycopg.Connection) -> None:
    with filled.transaction(force_rollback=True):
        for table in ("active_sessions", "copy_leases", "user_revisions"):
            named = sql.Identifier(table)
            filled.execute(
                sql.SQL("CREATE TEMP TABLE few ON COMMIT DROP AS TABLE {} LIMIT 300").format(named)
            )
            filled.execute(sql.SQL("TRUNCATE {} CASCADE").format(named))
            filled.execute(sql.SQL("INSERT INTO {} SELECT * FROM few").format(named))
            filled.execute("DROP TABLE few")
            filled.execute(sql.SQL("ANALYZE {}").format(named))
        for name, value in WRITING_SESSION.items():
            filled.execute(sql.SQL("SET {} TO {}").format(sql.Identifier(name), sql.Literal(value)))
        writes = {
            name: whole_reads(plan(filled, text, generic=True))
            for name, text in statements("sessions").items()
            if name in {"quick_keep", "quick_open", "quick_close"}
        }

    assert writes == {"quick_keep": [], "quick_open": [], "quick_close": []}


READ_IN_NOVEMBER = {
    "sessions.ended": {"playtime_sessions_y2026m11"},
    "sessions.sums_of_days": {"playtime_stats_daily_y2026q4"},
    "playtime_reader.history.all": {"playtime_sessions_y2026m11", "games"},
    "playtime_reader.history_after.one": {"playtime_sessions_y2026m11", "games"},
    "playtime_reader.history_total.one": {"playtime_sessions_y2026m11"},
    "playtime_reader.stats.all": {"playtime_stats_daily_y2026q4", "games"},
    "playtime_reader.report": {"playtime_stats_daily_y2026q4", "games"},
    "playtime_reader.busiest_hour": {"playtime_sessions_y2026m10", "playtime_sessions_y2026m11"},
    "playtime_reader.lifetime.all": {"playtime_stats_monthly", "games"},
}


def test_of_a_partitioned_table_only_the_time_in_question_is_read(filled: psycopg.Connection) -> None:
    plans = {name: plan(filled, planned_statements()[name], generic=False) for name in READ_IN_NOVEMBER}

    assert {
        name: {node["Relation Name"] for node in nodes(planned) if "Relation Name" in node}
        for name, planned in plans.items()
    } == READ_IN_NOVEMBER


@pytest.mark.parametrize("generic", [False, True])
def test_the_first_page_of_a_whole_history_reads_the_newest_month_alone(
    filled: psycopg.Connection, *, generic: bool
) -> None:
    ever = VALUES | {"start": "1970-01-01 00:00Z", "end": "9999-01-01 00:00Z", "limit": 2}
    statement = planned_statements()["playtime_reader.history.all"]

    planned = plan(filled, statement, generic=generic, values=ever)

    partitions = [node for node in nodes(planned) if "playtime" in node.get("Relation Name", "")]
    assert len(partitions) > 1
    assert {node["Relation Name"] for node in partitions if node["Actual Loops"]} == {
        "playtime_sessions_y2027m02"
    }
