"""`verify` follows the playtime from records to days, months and items, and finds whatever does not add up."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from builders import NOON, game_id, user_id
from conftest import postgres_settings
from contract.played import DOOM, PORTAL, begin, own, play
from contract.worlds import PostgresWorld
from fakes.clock import FakeClock, SequentialIds

from library_adapters.postgres.ledgers import PostgresLedgers
from library_adapters.postgres.playtime_reader import PostgresPlaytimeReader
from library_adapters.postgres.pool import open_pool
from library_adapters.postgres.shelves import PostgresShelves, PostgresUsers
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.flows.verify_users import VerifyUsers, VerifyUsersHandler
from library_domain.shared.paging import Page

ALICE, BOB = user_id("alice"), user_id("bob")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


class Evening(PostgresWorld):
    """A world in which two have played, over midnights too, and one still does."""

    async def fill(self, clock: FakeClock, ids: SequentialIds) -> None:
        add = AddToLibraryHandler(uow=self.uow, clock=clock, ids=ids)
        await own(self, add, "Portal 2", "Doom")
        await own(self, add, "Portal 2", by="bob")
        for number in range(12):
            start = NOON + number * HOUR
            await play(self, start, start + 10 * MINUTE)
        await play(self, NEW_YEAR - 10 * MINUTE, NEW_YEAR + 5 * MINUTE)
        await play(self, NOON, NOON, game_id=DOOM)
        await begin(self, NEW_YEAR + HOUR)
        await play(self, NOON, NOON + 2 * HOUR, user_id=BOB, owner_id=BOB)
        self.clock = clock

    async def spoil(self, statement: str) -> None:
        async with await psycopg.AsyncConnection.connect(
            self.settings.dsn.get_secret_value(), autocommit=True
        ) as connection:
            await connection.execute(statement.encode())

    async def verify(self) -> set[tuple[Any, Any, str]]:
        verify = VerifyUsersHandler(
            users=PostgresUsers(self.pool),
            shelves=PostgresShelves(self.pool),
            ledgers=PostgresLedgers(self.pool),
            clock=self.clock,
        )
        found = (await verify(VerifyUsers(limit=100))).found
        assert all(each.shown != each.right for each in found)
        return {(each.user_id, each.game_id, each.what) for each in found}


@pytest.fixture
async def evening(database: str, clock: FakeClock, ids: SequentialIds) -> AsyncIterator[Evening]:
    settings = postgres_settings(database)
    async with open_pool(settings) as pool:
        evening = Evening(pool, settings, clock=clock, ids=ids)
        await evening.fill(clock, ids)
        yield evening


async def test_all_adds_up_whoever_played_whenever(evening: Evening) -> None:
    assert await evening.verify() == set()


async def test_what_was_dropped_with_its_month_is_not_missed(evening: Evening) -> None:
    await evening.spoil("DROP TABLE playtime_sessions_y2026m11")
    try:
        assert await evening.verify() == set()
    finally:
        await evening.spoil("SELECT ensure_partitions('playtime_sessions', 'month', '2026-11-01', 0)")


def of_alice(table: str, *more: str) -> str:
    return " AND ".join((f"{table} WHERE user_id = '{ALICE}'", f"game_id = '{PORTAL}'", *more))


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        pytest.param(
            of_alice("UPDATE user_libraries SET total_playtime = total_playtime + 1"),
            {"item: total_playtime"},
            id="an item shows too much",
        ),
        pytest.param(
            of_alice("UPDATE user_libraries SET last_played_at = NULL"),
            {"item: last_played_at"},
            id="an item was never played",
        ),
        pytest.param(
            of_alice("DELETE FROM playtime_stats_monthly", "month = 12"),
            {
                "item: total_playtime",
                *(
                    f"month 2026-12: {what}"
                    for what in (
                        "total_playtime",
                        "sessions_count",
                        "longest_session_seconds",
                        "last_played_at",
                    )
                ),
            },
            id="a month is not there",
        ),
        pytest.param(
            of_alice("UPDATE playtime_stats_daily SET sessions_count = 2", "date = '2027-01-01'"),
            {"day 2027-01-01: sessions_count", "month 2027-01: sessions_count"},
            id="a session counts on two days",
        ),
        pytest.param(
            of_alice("DELETE FROM playtime_sessions", "start_time = '2026-11-23 22:00Z'"),
            {"day 2026-11-23: total_playtime", "day 2026-11-23: sessions_count", "recent sessions"},
            id="a record is not there",
        ),
        pytest.param(
            of_alice(
                "UPDATE playtime_sessions SET start_time = start_time - interval '55 min',"
                " end_time = end_time - interval '55 min'",
                "start_time = '2026-11-23 22:00Z'",
            ),
            {"start of a session", "recent sessions"},
            id="seconds count twice",
        ),
        pytest.param(
            of_alice("UPDATE active_sessions SET start_time = '2027-01-01'"),
            {"start of a session"},
            id="a running session began before the last one ended",
        ),
        pytest.param(of_alice("DELETE FROM copy_leases"), {"copy"}, id="a copy is free that is played"),
        pytest.param(of_alice("DELETE FROM active_sessions"), {"copy"}, id="a copy is kept by nobody"),
        pytest.param(
            of_alice("DELETE FROM recent_sessions"), {"recent sessions"}, id="an item shows no sessions"
        ),
    ],
)
async def test_what_does_not_add_up_is_found(evening: Evening, statement: str, found: set[str]) -> None:
    await evening.spoil(statement)

    assert await evening.verify() == {(ALICE, PORTAL, what) for what in found}


async def test_only_who_is_asked_for_is_looked_at(evening: Evening) -> None:
    await evening.spoil("DELETE FROM copy_leases")
    verify = VerifyUsersHandler(
        users=PostgresUsers(evening.pool),
        shelves=PostgresShelves(evening.pool),
        ledgers=PostgresLedgers(evening.pool),
        clock=evening.clock,
    )

    of_bob = await verify(VerifyUsers(users=(BOB,), limit=1))
    of_alice = await verify(VerifyUsers(users=(ALICE,), limit=1))

    assert (of_bob.found, of_bob.next_after) == ((), None)
    assert [(each.game_id, each.shown, each.what) for each in of_alice.found] == [
        (game_id("Portal 2"), None, "copy")
    ]


async def test_the_view_shows_the_averages_that_the_reader_tells(evening: Evening) -> None:
    # 8,111 seconds in 13 sessions are 623.9 each.
    await evening.spoil(of_alice("UPDATE playtime_stats_monthly SET total_playtime = 7211", "month = 11"))
    async with evening.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT game_id, average_session_seconds FROM playtime_stats WHERE user_id = %s", [ALICE]
        )
        shown = {row["game_id"]: row["average_session_seconds"] for row in await cursor.fetchall()}

    told = await PostgresPlaytimeReader(evening.pool).lifetime(ALICE, game_id=None, page=Page())

    assert (
        shown == {game.game_id: game.average_session_seconds for game in told.games} == {PORTAL: 623, DOOM: 0}
    )
