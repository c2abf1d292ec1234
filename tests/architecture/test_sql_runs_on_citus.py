"""Named statements against the lint of data 27, and the lint against statements that break it."""

import re
from pathlib import Path

import pytest
from architecture.citus import complaints

from library_adapters.postgres.statements import families, sources

MIGRATIONS = Path(__file__).parents[2] / "migrations"
TABLE = re.compile(r"^CREATE TABLE ([\w.]+) \((.*?)^\)", re.MULTILINE | re.DOTALL)
NOW = re.compile(r"^(?!\s*--).*\b(?:now\(|current_timestamp)", re.IGNORECASE)


def forward_migrations() -> list[Path]:
    return sorted(path for path in MIGRATIONS.glob("[0-9]*.sql") if not path.name.endswith(".rollback.sql"))


def tables_of_users() -> frozenset[str]:
    return frozenset(
        name
        for path in forward_migrations()
        for name, columns in TABLE.findall(path.read_text())
        if re.search(r"^ +user_id ", columns, re.MULTILINE)
    )


USER_TABLES = tables_of_users()
STATEMENTS = [
    pytest.param(text, id=f"{family}.{name}")
    for family in families()
    for name, text in sources(family).items()
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statement_runs_when_tables_are_distributed_by_user(statement: str) -> None:
    assert complaints(statement, USER_TABLES) == []


def test_every_table_of_users_is_keyed_by_user_first() -> None:
    assert {"user_revisions", "user_libraries", "library_grants", "outbox", "inbox"} <= USER_TABLES
    keys = {
        name: key
        for path in forward_migrations()
        for name, columns in TABLE.findall(path.read_text())
        if name in USER_TABLES
        for key in re.findall(r"(?:PRIMARY KEY|UNIQUE) \(([^)]*)\)", columns)
    }

    assert {name: key for name, key in keys.items() if not key.startswith("user_id")} == {}


@pytest.mark.parametrize("migration", forward_migrations(), ids=lambda path: path.stem)
def test_migration_asks_the_server_for_the_time_only_in_defaults(migration: Path) -> None:
    asking = [line for line in migration.read_text().splitlines() if NOW.search(line)]

    assert [line for line in asking if "DEFAULT now()" not in line] == []


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        (
            "SELECT id FROM outbox WHERE user_id = %(user_id)s AND written_at < now()",
            "now is the server's; times and ids are parameters",
        ),
        (
            (
                "-- citus: a reason does not excuse a lock\n"
                "SELECT user_id FROM user_revisions WHERE user_id = ANY(%(users)s) FOR UPDATE"
            ),
            "locks rows without `user_id = %(…)s`",
        ),
        (
            "UPDATE user_libraries SET user_id = %(heir)s WHERE user_id = %(user_id)s",
            "sets user_id, which says where the row lives",
        ),
        (
            "UPDATE user_libraries SET (notes, user_id) = (%(notes)s, %(heir)s) WHERE user_id = %(user_id)s",
            "sets user_id, which says where the row lives",
        ),
        (
            (
                "INSERT INTO inbox (user_id, at) VALUES (%(user_id)s, %(now)s) "
                "ON CONFLICT (user_id) DO UPDATE SET at = lower(excluded.at)"
            ),
            "an upsert computes lower(), which must be immutable",
        ),
        (
            (
                "INSERT INTO inbox (user_id, at) VALUES (%(user_id)s, %(now)s) "
                "ON CONFLICT (user_id) DO UPDATE SET at = (SELECT max(at) FROM inbox WHERE user_id = %(user_id)s)"
            ),
            "an upsert reads another query",
        ),
        ("INSERT INTO outbox (n) VALUES (%(n)s)", "inserts into outbox without user_id"),
        ("DELETE FROM inbox WHERE at < %(before)s", "writes inbox without `user_id = %(…)s`"),
        (
            "WITH old AS (SELECT event_id FROM inbox WHERE user_id = %(user_id)s) DELETE FROM inbox USING old",
            "writes inbox without `user_id = %(…)s`",
        ),
        ("SELECT id FROM user_libraries WHERE id = %(id)s", "reads user_libraries without saying whose"),
        (
            (
                "SELECT i.status FROM user_libraries AS l JOIN user_installations AS i ON i.game_id = l.game_id "
                "WHERE l.user_id = %(user_id)s"
            ),
            "reads user_installations, user_libraries without saying whose",
        ),
        (
            "-- citus: many users\nSELECT id FROM user_libraries WHERE user_id = %(user_id)s",
            "'-- citus:' excuses nothing",
        ),
        ("-- citus:\nSELECT id FROM user_libraries WHERE id = %(id)s", "'-- citus:' gives no reason"),
    ],
)
def test_lint_notices(statement: str, complaint: str) -> None:
    assert complaints(statement, USER_TABLES) == [complaint]


@pytest.mark.parametrize(
    "statement",
    [
        (
            "SELECT l.id FROM user_libraries AS l LEFT JOIN user_installations AS i USING (user_id, game_id) "
            "WHERE l.user_id = %(user_id)s"
        ),
        (
            "SELECT l.id, coalesce((SELECT max(g.event_time) FROM library_grants AS g "
            "WHERE g.user_id = l.user_id), l.created_at) FROM user_libraries AS l WHERE l.user_id = %(user_id)s"
        ),
        (
            "-- citus: many users; only candidates, nothing is locked\n"
            "SELECT user_id FROM inbox WHERE at < %(before)s LIMIT %(limit)s"
        ),
        "SELECT name FROM catalog.games WHERE game_id = ANY(%(game_ids)s)",
        "SELECT key FROM jobs WHERE due_at <= %(now)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
    ],
)
def test_lint_is_content_with(statement: str) -> None:
    assert complaints(statement, USER_TABLES) == []
