"""Sessions of many users in one statement: the same rows as by the ordinary way, and nothing where something changed (data 31)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from builders import a_game, a_purchase, game_added, game_id, user_id
from conftest import postgres_settings
from fakes.clock import FakeClock, SequentialIds
from prometheus_client import CollectorRegistry
from psycopg.rows import dict_row

from library_adapters.postgres.hot_reads.batches import open_hot_reads
from library_adapters.postgres.hot_reads.lanes import Rows
from library_adapters.postgres.hot_reads.pipeline import ConnectionLost
from library_adapters.postgres.hot_reads.reads import Line, Read
from library_adapters.postgres.pool import open_pool
from library_adapters.postgres.quick_sessions import (
    SESSION_READS,
    PostgresQuickSessions,
    open_quick_sessions,
)
from library_adapters.postgres.settings import HotReadSettings, HotWriteSettings
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_domain.catalog.model import Platform
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.flows.start_session import StartSession, StartSessionHandler, StartSessionResult
from library_domain.playtime.model import EndReason, SessionRecord
from library_domain.playtime.use_cases.end_session import EndSession, EndSessionHandler
from library_domain.playtime.use_cases.record_heartbeat import RecordHeartbeat, RecordHeartbeatHandler
from library_domain.shared.errors import UserErased

PORTAL = game_id("Portal 2")
EVE = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
WRITTEN = {
    "active_sessions": "user_id, game_id",
    "copy_leases": "user_id, game_id",
    "playtime_sessions": "user_id, start_time",
    "playtime_stats_daily": "user_id, date",
    "playtime_stats_monthly": "user_id, year, month",
    "recent_sessions": "user_id, game_id",
    "user_libraries": "user_id, game_id",
    "user_revisions": "user_id",
    "outbox": "user_id, revision, n",
    "library_audit_log": "user_id, revision, action",
}
"""What a session leaves, and in which order to look at it."""
MINTED = {
    "id",
    "session_id",
    "payload",
    "headers",
    "user_id",
    "owner_id",
    "player_id",
    "shard",
    "library_item_id",
    "details",
}
"""Members that no two users have alike."""


def _without_minted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_minted(each) for key, each in value.items() if key not in MINTED}
    return [_without_minted(each) for each in value] if isinstance(value, list) else value


@dataclass
class House:
    """The same use cases, with the quick way and without it."""

    dsn: str
    uow: PostgresUnitOfWork
    quick: PostgresQuickSessions
    clock: FakeClock
    ids: SequentialIds
    registry: CollectorRegistry

    async def buys(self, *names: str) -> None:
        add = AddToLibraryHandler(uow=self.uow, clock=self.clock, ids=self.ids)
        async with self.uow.begin() as tx:
            await tx.games.save([a_game("Portal 2")])
        for name in names:
            await add(a_purchase("Portal 2", by=name, transaction_id=f"t-{name}"))

    async def start(self, name: str, *, quickly: bool = True, device: str = "pc") -> StartSessionResult:
        start = StartSessionHandler(
            uow=self.uow, clock=self.clock, ids=self.ids, quick=self.quick if quickly else None
        )
        return await start(
            StartSession(
                user_id=user_id(name),
                game_id=PORTAL,
                device_id=device,
                platform=Platform.LINUX,
                client_time=self.clock.now() + timedelta(hours=1),
            )
        )

    async def beat(self, begun: StartSessionResult, *, quickly: bool = True, **seconds: int) -> int:
        beat = RecordHeartbeatHandler(uow=self.uow, clock=self.clock, quick=self.quick if quickly else None)
        session = begun.session
        told = await beat(RecordHeartbeat(user_id=session.user_id, session_id=session.id, **seconds))
        return told.played_seconds

    async def end(self, begun: StartSessionResult, *, quickly: bool = True) -> SessionRecord:
        end = EndSessionHandler(uow=self.uow, clock=self.clock, quick=self.quick if quickly else None)
        return await end(EndSession(user_id=begun.session.user_id, session_id=begun.session.id))

    async def rows(self, *names: str) -> dict[str, list[dict[str, Any]]]:
        """Return what these users have in every table, without what no two have alike."""
        users = [user_id(name) for name in names]
        async with await psycopg.AsyncConnection.connect(self.dsn, row_factory=dict_row) as connection:
            return {
                table: [
                    _without_minted(row)
                    async for row in await connection.execute(
                        f"SELECT * FROM {table} WHERE user_id = ANY(%s) ORDER BY {order}", [users]
                    )
                ]
                for table, order in WRITTEN.items()
            }

    def counted(self, write: str, outcome: str) -> float:
        labels = {"write": write, "outcome": outcome}
        return self.registry.get_sample_value("library_quick_writes_total", labels) or 0.0


@asynccontextmanager
async def opened(dsn: str, clock: FakeClock, ids: SequentialIds) -> AsyncIterator[House]:
    registry = CollectorRegistry()
    settings = postgres_settings(
        dsn,
        hot_reads=HotReadSettings(queue_timeout_seconds=10.0),
        hot_writes=HotWriteSettings(queue_timeout_seconds=10.0),
    )
    async with (
        open_pool(settings) as pool,
        open_hot_reads(settings, reads=SESSION_READS, registry=registry) as reads,
    ):
        uow = PostgresUnitOfWork(pool, settings, clock=clock, ids=ids)
        async with open_quick_sessions(
            uow, settings, reads=reads, clock=clock, ids=ids, registry=registry
        ) as quick:
            assert quick is not None
            yield House(dsn, uow, quick, clock, ids, registry)


@pytest.fixture
async def house(database: str, clock: FakeClock, ids: SequentialIds) -> AsyncIterator[House]:
    async with opened(database, clock, ids) as house:
        yield house


async def test_both_ways_leave_the_same(house: House) -> None:
    house.clock.advance(EVE - house.clock.now())
    await house.buys("quick", "slow")
    records: list[SessionRecord] = []
    for quickly in (True, False):
        house.clock.advance(EVE - house.clock.now())
        for seconds in (20, 3_000):
            begun = await house.start("quick" if quickly else "slow", quickly=quickly)
            for _ in range(seconds // 60):
                house.clock.advance(timedelta(seconds=60))
                await house.beat(begun, quickly=quickly, idle_seconds=7, suspended_seconds=11)
            house.clock.advance(timedelta(seconds=seconds % 60))
            records.append(await house.end(begun, quickly=quickly))

    quick, slow = await house.rows("quick"), await house.rows("slow")

    assert quick == slow
    assert [len(quick[table]) for table in ("playtime_sessions", "playtime_stats_daily")] == [2, 2]
    assert [house.counted(write, "done") for write in ("start", "heartbeat", "end")] == [2, 50, 2]
    assert [record.total_playtime_seconds for record in records[:2]] == [
        record.total_playtime_seconds for record in records[2:]
    ]
    assert len(quick["outbox"]) == 7


@pytest.mark.parametrize("quickly", [True, False])
async def test_by_a_clock_that_is_behind_a_session_begins_where_the_last_one_ended(
    house: House, *, quickly: bool
) -> None:
    await house.buys("alice")
    begun = await house.start("alice", quickly=quickly)
    house.clock.advance(timedelta(seconds=60))
    last = (await house.end(begun, quickly=quickly)).session
    house.clock.advance(timedelta(seconds=-2))

    session = (await house.start("alice", quickly=quickly)).session

    assert session.start_time == last.end_time == house.clock.now() + timedelta(seconds=2)
    assert house.counted("start", "done") == 2 * quickly


async def test_many_users_are_written_for_at_once(house: House) -> None:
    names = [f"player {n}" for n in range(100)]
    await house.buys(*names)

    begun = await asyncio.gather(*(house.start(name) for name in names))
    house.clock.advance(timedelta(seconds=60))
    played = await asyncio.gather(*(house.beat(each) for each in begun))
    house.clock.advance(timedelta(seconds=60))
    ended = await asyncio.gather(*(house.end(each) for each in begun))

    assert set(played) == {60}
    assert {record.total_playtime_seconds for record in ended} == {120}
    batches = house.registry.get_sample_value("library_hot_write_batch_size_count", {"write": "end"}) or 0
    assert batches < 50
    rows = await house.rows(*names)
    assert rows["active_sessions"] == rows["copy_leases"] == rows["library_audit_log"][100:] == []
    assert len(rows["outbox"]) == 400


async def test_an_erased_user_is_refused(house: House) -> None:
    await house.buys("alice")
    begun = await house.start("alice")
    async with await psycopg.AsyncConnection.connect(house.dsn, autocommit=True) as connection:
        await connection.execute("UPDATE user_revisions SET erased_at = now()")

    with pytest.raises(UserErased):
        await house.beat(begun)

    assert house.counted("heartbeat", "done") == 0


async def test_heartbeats_of_one_user_at_once_are_all_kept(house: House) -> None:
    await house.buys("alice")
    begun = await house.start("alice")
    house.clock.advance(timedelta(seconds=60))

    assert set(await asyncio.gather(*(house.beat(begun) for _ in range(20)))) == {60}

    (row,) = (await house.rows("alice"))["active_sessions"]
    assert row["last_heartbeat_at"] == house.clock.now()


async def test_what_a_heartbeat_has_changed_since_it_was_read_is_not_written(house: House) -> None:
    await house.buys("alice")
    begun = await house.start("alice")
    seen = await house.quick.running(begun.session.user_id, begun.session.id)
    before_end = await house.quick.before_end(begun.session.user_id, begun.session.id)
    assert seen is not None
    assert before_end is not None
    house.clock.advance(timedelta(seconds=60))
    await house.beat(begun, idle_seconds=20)
    (row,) = (await house.rows("alice"))["active_sessions"]

    seen.session.contact(house.clock.now())
    ended = before_end.running.session.end(house.clock.now(), EndReason.CLIENT)
    record = SessionRecord.of(ended, before_end.sums.plus(ended))
    events = tuple(record.events(now=house.clock.now(), game_name=None))

    assert not await house.quick.keep(seen.session, seen=seen)
    assert not await house.quick.close(record, events, seen=before_end)
    rows = await house.rows("alice")
    assert (rows["active_sessions"], rows["playtime_sessions"]) == ([row], [])


async def test_a_start_is_refused_where_the_user_has_changed(house: House) -> None:
    await house.buys("alice")
    seen = await house.quick.before_start(user_id("alice"), PORTAL)
    assert seen is not None
    begun = await house.start("alice")
    event = begun.session.started(now=house.clock.now(), game_name=None)

    assert not await house.quick.open(begun.session, event, seen=seen)
    assert house.counted("start", "refused") == 1


async def test_an_end_is_refused_where_the_user_has_changed(house: House) -> None:
    await house.buys("alice")
    begun = await house.start("alice")
    seen = await house.quick.before_end(begun.session.user_id, begun.session.id)
    assert seen is not None
    async with house.uow.begin(begun.session.user_id) as tx:
        tx.record(game_added(begun.session.user_id, PORTAL))

    ended = seen.running.session.end(house.clock.now(), EndReason.CLIENT)
    record = SessionRecord.of(ended, seen.sums.plus(ended))
    events = tuple(record.events(now=house.clock.now(), game_name=None))

    assert not await house.quick.close(record, events, seen=seen)
    assert house.counted("end", "refused") == 1


async def test_who_is_locked_is_passed_over_and_keeps_nobody_waiting(house: House) -> None:
    await house.buys("alice", "bob")
    alice, bob = await house.start("alice"), await house.start("bob")
    house.clock.advance(timedelta(seconds=60))

    async with house.uow.begin(user_id("alice")) as tx:
        assert await tx.sessions.running(alice.session.user_id, alice.session.id) is not None
        slow = asyncio.create_task(_in_its_own_context(house.end(alice)))
        assert (await _in_its_own_context(house.end(bob))).total_playtime_seconds == 60
        assert not slow.done()

    assert (await slow).total_playtime_seconds == 60
    assert house.counted("end", "refused") == 1


async def test_who_is_in_a_transaction_goes_the_ordinary_way(house: House) -> None:
    await house.buys("alice")

    async with house.uow.begin(user_id("alice")):
        begun = await house.start("alice")
        assert await house.quick.running(begun.session.user_id, begun.session.id) is None

    assert house.counted("start", "done") == 0


async def test_an_end_whose_connection_is_lost_is_made_once(house: House) -> None:
    await house.buys("alice")
    begun = await house.start("alice")
    house.clock.advance(timedelta(seconds=60))
    async with (
        await psycopg.AsyncConnection.connect(house.dsn, autocommit=True) as killer,
        house.uow.begin(user_id("alice")) as tx,
    ):
        await tx.sessions.running(begun.session.user_id, begun.session.id)
        ending = asyncio.create_task(_in_its_own_context(house.end(begun)))
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'"
        )

    assert (await ending).total_playtime_seconds == 60
    rows = await house.rows("alice")
    assert [row["total_playtime"] for row in rows["playtime_stats_daily"]] == [60]


@pytest.fixture
def unheard(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every write be made, and its connection be lost before the answer."""
    ask = house.quick._writes.ask

    async def ask_in_vain(write: Read, lines: Sequence[Line]) -> list[Rows]:
        await ask(write, lines)
        raise ConnectionLost("the connection was lost")

    monkeypatch.setattr(house.quick._writes, "ask", ask_in_vain)


@pytest.mark.usefixtures("unheard")
async def test_a_write_that_was_made_though_nobody_heard_of_it_is_not_made_twice(house: House) -> None:
    await house.buys("alice")

    begun = await house.start("alice")
    house.clock.advance(timedelta(seconds=60))
    played = await house.beat(begun)
    house.clock.advance(timedelta(seconds=60))
    record = await house.end(begun)

    assert (begun.resumed, played, record.total_playtime_seconds) == (True, 60, 120)
    rows = await house.rows("alice")
    assert (len(rows["playtime_sessions"]), rows["active_sessions"], rows["copy_leases"]) == (1, [], [])
    assert [row["total_playtime"] for row in rows["playtime_stats_daily"]] == [120]
    told = [row["type"] for row in rows["outbox"] if row["type"] != "library.game.added"]
    assert told == ["library.session.started", "library.session.ended", "library.playtime.updated"]
    assert [house.counted(write, "failed") for write in ("start", "heartbeat", "end")] == [1, 1, 1]


async def _in_its_own_context(call: Any) -> Any:
    """Await it as another task of the process would: outside of our transaction."""
    return await asyncio.create_task(call, context=Context())
