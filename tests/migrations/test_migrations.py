"""Migrations forward and back, alone and together (data 26; reliability, row 17)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid5

import psycopg
import pytest
from builders import user_id
from psycopg.errors import CheckViolation

from library_adapters.postgres.migrate import (
    MONTHS_AHEAD,
    apply,
    ensure_partitions,
    migrations_directory,
    pending,
    rollback,
)

IDS = sorted(
    path.stem for path in migrations_directory().glob("[0-9]*.sql") if not path.name.endswith(".rollback.sql")
)
OURS = "n.nspname IN ('public', 'catalog') AND c.relname !~ '^_?yoyo' AND c.relname !~ '_y[0-9]{4}m[0-9]{2}'"
OCTOBER = datetime(2026, 10, 15, tzinfo=UTC)


def schema(dsn: str) -> set[tuple[str, ...]]:
    """Return what exists of ours, down to columns and constraints; months and the tool's own tables left out."""
    with psycopg.connect(dsn) as connection:
        return set(
            connection.execute(
                f"""
                SELECT c.relkind::text, c.oid::regclass::text, '', '' FROM pg_class c
                  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS}
                 UNION ALL
                SELECT 'column', c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod) || a.attnotnull
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE {OURS}
                 UNION ALL
                SELECT 'constraint', c.oid::regclass::text, k.conname, pg_get_constraintdef(k.oid)
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  JOIN pg_constraint k ON k.conrelid = c.oid WHERE {OURS}
                 UNION ALL
                SELECT 'function', p.oid::regprocedure::text, '', p.prosrc
                  FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
                """
            ).fetchall()
        )


def partitions(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = 'library_audit_log'::regclass ORDER BY 1"
        )
        return [name for (name,) in rows]


class TestUpAndDown:
    def test_every_migration_has_its_way_back(self) -> None:
        directory = migrations_directory()

        assert [name for name in IDS if not (directory / f"{name}.rollback.sql").exists()] == []

    def test_down_leaves_nothing_behind(self, empty_database: str) -> None:
        apply(empty_database)

        assert rollback(empty_database) == IDS[::-1]
        assert schema(empty_database) == set()

    @pytest.mark.parametrize("step", IDS)
    def test_down_to_a_step_and_up_again_is_the_same_schema(self, empty_database: str, step: str) -> None:
        apply(empty_database)
        whole = schema(empty_database)

        undone = rollback(empty_database, to=step)
        assert pending(empty_database) == undone[::-1]
        assert apply(empty_database) == undone[::-1]

        assert schema(empty_database) == whole

    def test_applying_again_does_nothing(self, database: str) -> None:
        assert pending(database) == []
        assert apply(database) == []


class TestTogether:
    def test_several_migrators_at_once_apply_each_migration_once(self, empty_database: str) -> None:
        with ThreadPoolExecutor(max_workers=3) as pods:
            applied = [done for names in pods.map(apply, [empty_database] * 3) for done in names]

        assert sorted(applied) == IDS

    def test_the_lock_of_a_killed_migrator_is_in_nobodys_way(self, empty_database: str) -> None:
        apply(empty_database)
        rollback(empty_database, to=IDS[0])
        with psycopg.connect(empty_database) as connection:
            connection.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 4711)")

        assert apply(empty_database) == IDS[1:]


class TestPartitions:
    def test_they_reach_three_months_ahead_over_the_turn_of_the_year(self, empty_database: str) -> None:
        apply(empty_database, today=OCTOBER)

        assert partitions(empty_database) == [
            "library_audit_log_y2026m10",
            "library_audit_log_y2026m11",
            "library_audit_log_y2026m12",
            "library_audit_log_y2027m01",
        ]

    def test_making_them_again_makes_only_what_is_missing(self, empty_database: str) -> None:
        apply(empty_database, today=OCTOBER)

        with psycopg.connect(empty_database, autocommit=True) as connection:
            assert ensure_partitions(connection, today=OCTOBER) == 0
            assert ensure_partitions(connection, today=OCTOBER.replace(month=11)) == 1

        assert len(partitions(empty_database)) == MONTHS_AHEAD + 2

    def test_a_month_begins_and_ends_at_midnight_in_utc(self, empty_database: str) -> None:
        apply(empty_database, today=OCTOBER)

        with psycopg.connect(empty_database, autocommit=True) as connection:
            connection.execute("SET timezone = 'Asia/Vladivostok'")
            ensure_partitions(connection, today=OCTOBER.replace(month=12))
            bounds = connection.execute(
                "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'library_audit_log_y2027m02'"
            ).fetchone()
            assert bounds is not None

        # 1 February, midnight in UTC, as Vladivostok's clocks show it.
        assert "'2027-02-01 10:00:00+10'" in bounds[0]

    def test_a_row_of_a_month_that_nobody_made_is_refused_loudly(self, empty_database: str) -> None:
        apply(empty_database, today=OCTOBER)
        too_late = datetime(2027, 2, 1, tzinfo=UTC)

        with (
            psycopg.connect(empty_database) as connection,
            pytest.raises(CheckViolation, match="no partition of relation"),
        ):
            connection.execute(
                "INSERT INTO library_audit_log (id, user_id, action, revision, created_at) "
                "VALUES (%s, %s, 'add_game', 1, %s)",
                (uuid5(user_id("buyer"), "row"), user_id("buyer"), too_late),
            )
