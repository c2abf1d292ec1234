"""`library-consumers outbox parked` as a person uses it."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime

import psycopg
from builders import event_id, user_id
from component.consumers.processes import SECONDS, Environment

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def park(dsn: str, *names: str) -> None:
    with psycopg.connect(dsn) as connection:
        for revision, name in enumerate(names, start=1):
            connection.execute(
                "INSERT INTO outbox_parked (user_id, revision, n, id, aggregatetype, type, payload, headers, shard,"
                " written_at, reason, parked_at)"
                " VALUES (%s, %s, 0, %s, 'library-events', 'library.game.added', '{\"a\": 1}', '{\"ce_id\": \"x\"}',"
                " 3, %s, 'refused by the broker', %s)",
                (user_id("alice"), revision, event_id(name), NOW, NOW),
            )


async def outbox(environment: Environment, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "library_consumers", "outbox", "parked", *arguments),
        env=environment,
        stdout=PIPE,
        stderr=PIPE,
    )
    async with asyncio.timeout(SECONDS):
        output, error = await process.communicate()
    return process.returncode or 0, output.decode(), error.decode()


def waiting(dsn: str) -> list[int]:
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute("SELECT revision FROM outbox ORDER BY revision")]


async def test_parked_events_are_listed_and_put_back(connected: Environment, database: str) -> None:
    park(database, "first", "second", "third")

    code, listed, _ = await outbox(connected, "list", "--limit", "2")
    assert (code, len(listed.splitlines())) == (0, 2)
    assert str(event_id("first")) in listed
    assert "2026-11-23 12:00:00Z" in listed
    assert "refused by the broker" in listed

    code, listed, _ = await outbox(connected, "list", "--json")
    documents = [json.loads(line) for line in listed.splitlines()]
    assert [each["event_id"] for each in documents] == [
        str(event_id(name)) for name in ("first", "second", "third")
    ]
    assert documents[0]["parked_at"] == "2026-11-23T12:00:00Z"
    assert (documents[0]["value"], documents[0]["headers"]) == ({"a": 1}, {"ce_id": "x"})

    assert (await outbox(connected, "replay", str(event_id("second"))))[:2] == (0, "1 put back\n")
    assert waiting(database) == [2]
    code, output, error = await outbox(connected, "replay", str(event_id("second")))
    assert (code, output, str(event_id("second")) in error) == (1, "0 put back\n", True)
    assert (await outbox(connected, "replay", "--all"))[:2] == (0, "2 put back\n")
    assert waiting(database) == [1, 2, 3]
    assert (await outbox(connected, "list"))[:2] == (0, "no parked events\n")
    assert (await outbox(connected, "list", "--json"))[:2] == (0, "")


async def test_it_asks_what_to_put_back_and_says_when_the_database_is_away(environment: Environment) -> None:
    assert (await outbox(environment, "replay"))[0] == 1

    code, _, error = await outbox(environment | {"LIBRARY_POSTGRES__POOL_TIMEOUT_SECONDS": "0.5"}, "list")

    assert (code, "postgres does not answer" in error) == (1, True)
