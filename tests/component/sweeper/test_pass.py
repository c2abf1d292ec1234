"""One pass as a process, on a real database."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from builders import event_id, user_id

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


async def run_sweeper(dsn: str, *arguments: str, **settings: str) -> tuple[int, str]:
    environment = os.environ | {"LIBRARY_POSTGRES__DSN": dsn} | settings
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "library_sweeper",
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(30):
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def fill(dsn: str) -> None:
    """Leave 12 old and 3 young claims, one old and one young answer, one old and one young parked event."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for number in range(15):
            at = NOW - (15 * DAY if number < 12 else DAY)
            connection.execute(
                "INSERT INTO inbox VALUES (%s, 'library', %s, %s)",
                (user_id(str(number % 4)), event_id(str(number)), at),
            )
        for key, age in (("old", 25), ("young", 1)):
            connection.execute(
                "INSERT INTO idempotency_keys (user_id, operation, key, request_sha256, created_at)"
                " VALUES (%s, 'op', %s, '', %s)",
                (user_id("alice"), key, NOW - timedelta(hours=age)),
            )
        for revision, age in ((1, 91), (2, 1)):
            connection.execute(
                "INSERT INTO outbox_parked VALUES (%s, %s, 0, %s, 't', 'e', '{}', '{}', 1, %s, 'refused', %s)",
                (user_id("alice"), revision, event_id(str(revision)), NOW, NOW - age * DAY),
            )


def one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def count(dsn: str) -> dict[str, Any]:
    with psycopg.connect(dsn) as connection:
        return {
            table: one(connection, f"SELECT count(*) FROM {table}")
            for table in ("inbox", "idempotency_keys", "outbox_parked")
        }


async def test_removes_what_is_old_and_keeps_what_is_not(database: str) -> None:
    fill(database)

    code, output = await run_sweeper(database, LIBRARY_SWEEPER__BATCH="5")

    assert code == 0, output
    assert count(database) == {"inbox": 3, "idempotency_keys": 1, "outbox_parked": 1}


async def test_makes_partitions_that_are_missing(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        child = one(
            connection,
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'library_audit_log'::regclass ORDER BY 1 DESC LIMIT 1",
        )
        connection.execute(f"DROP TABLE {child}")

    code, output = await run_sweeper(database, "--task", "partitions")

    with psycopg.connect(database) as connection:
        assert one(connection, f"SELECT to_regclass('{child}')") is not None
    assert code == 0, output


async def test_several_at_once_do_it_once(database: str) -> None:
    fill(database)

    ends = await asyncio.gather(*(run_sweeper(database) for _ in range(3)))

    assert [code for code, _ in ends] == [0, 0, 0]
    assert count(database)["inbox"] == 3


async def test_says_that_it_failed_when_the_database_is_away(database: str) -> None:
    nowhere = "postgresql://library@127.0.0.1:1/library"

    code, output = await run_sweeper(nowhere)

    assert code == 1
    assert "DEPENDENCY_UNAVAILABLE" in output


async def test_verify_is_content_with_an_empty_house_and_finds_what_does_not_fit(database: str) -> None:
    code, output = await run_sweeper(database, "verify")
    assert (code, output) == (0, "users: 0, differences: 0\n")

    alice = user_id("alice")
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO user_revisions (user_id, revision, changed_at) VALUES (%s, 1, %s)", (alice, NOW)
        )
        connection.execute(
            "INSERT INTO user_libraries (user_id, game_id, product_type, acquisition_type, revision)"
            " VALUES (%s, %s, 'game', 'purchase', 1)",
            (alice, event_id("a game")),
        )
    code, output = await run_sweeper(database, "verify", "--user", str(alice))

    *lines, summary = output.splitlines()
    assert (code, summary) == (1, "users: 1, differences: 2")
    rights, total = map(json.loads, lines)
    assert (rights["what"], rights["shown"], rights["right"]) == ("rights", "an entry", None)
    assert (total["what"], total["shown"], total["right"]) == ("total", "1", "0")


async def test_verify_says_that_it_did_not_get_to_the_end(database: str) -> None:
    code, output = await run_sweeper("postgresql://library@127.0.0.1:1/library", "verify")

    assert code == 1
    assert "postgres does not answer" in output
