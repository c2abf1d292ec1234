"""Many at one session, over several pods: one start, one end, the totals once (details 3.8; reliability G1, G2)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import pytest
from arcade import GAMES, Pod, SkewedClock, every_second_is_counted_once
from books import TableKeeper
from builders import NOON, a_purchase, user_id
from conftest import postgres_settings
from contract.libraries import learn
from contract.worlds import PostgresWorld
from fakes.clock import FakeClock
from figures import Report
from integration.postgres.playing import open_playing_pod

from library_adapters.postgres.pool import Pool
from library_adapters.system import Uuid7Source
from library_domain.catalog.model import Platform
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.flows.start_session import StartSession, StartSessionHandler
from library_domain.playtime.errors import SessionAlreadyActive
from library_domain.playtime.model import EndReason, Session, SessionRecord
from library_domain.playtime.use_cases.end_session import EndSession, EndSessionHandler
from library_domain.playtime.use_cases.record_heartbeat import RecordHeartbeat, RecordHeartbeatHandler
from library_domain.playtime.use_cases.sweep_sessions import SweepSessions, SweepSessionsHandler
from library_domain.shared.ids import UserId

ROUNDS = 200
ENDS = 50
STARTS = 100
SWEEPERS_AHEAD = timedelta(seconds=150)
"""By the clocks of the sweepers a session is over that lives by those of the doors."""
GAME = GAMES[0]
T = TypeVar("T")


@dataclass(frozen=True)
class House:
    """Two doors, two sweepers."""

    clock: FakeClock
    doors: Sequence[Pod]
    sweepers: Sequence[Pod]
    keeper: TableKeeper

    async def player(self, name: str) -> UserId:
        add = AddToLibraryHandler(uow=self.doors[0].uow, clock=self.clock, ids=Uuid7Source())
        await add(a_purchase(GAME.name or "", by=name, purchased_at=NOON))
        return user_id(name)

    async def start(self, user: UserId, device: str = "deck", *, door: int = 0) -> Session:
        pod = self.doors[door]
        start = StartSessionHandler(uow=pod.uow, clock=pod.clock, ids=Uuid7Source(), quick=pod.quick)
        command = StartSession(user_id=user, game_id=GAME.game_id, device_id=device, platform=Platform.LINUX)
        return (await start(command)).session

    async def beat(self, session: Session) -> None:
        pod = self.doors[0]
        beat = RecordHeartbeatHandler(uow=pod.uow, clock=pod.clock, quick=pod.quick)
        await beat(RecordHeartbeat(user_id=session.user_id, session_id=session.id))

    async def end(self, session: Session, *, door: int) -> SessionRecord:
        pod = self.doors[door]
        end = EndSessionHandler(uow=pod.uow, clock=pod.clock, quick=pod.quick)
        return await end(EndSession(user_id=session.user_id, session_id=session.id))

    async def sweep(self, sweeper: int) -> Counter[EndReason]:
        pod = self.sweepers[sweeper]
        result = await SweepSessionsHandler(stale=pod.stale, uow=pod.uow, clock=pod.clock)(
            SweepSessions(limit=100)
        )
        assert result.failed == []
        return Counter(result.ended)


@pytest.fixture(params=[False, True], ids=["plain", "batches"])
async def house(request: pytest.FixtureRequest, database: str, pool: Pool) -> AsyncIterator[House]:
    clock = FakeClock()
    world = PostgresWorld(pool, postgres_settings(database), clock=clock, ids=Uuid7Source())
    await learn(world, GAME)
    async with AsyncExitStack() as stack:
        doors = [
            await stack.enter_async_context(open_playing_pod(database, clock=clock, quickly=request.param))
            for _ in range(2)
        ]
        ahead = SkewedClock(clock, SWEEPERS_AHEAD)
        sweepers = [
            await stack.enter_async_context(open_playing_pod(database, clock=ahead, quickly=False))
            for _ in range(2)
        ]
        yield House(clock, doors, sweepers, TableKeeper(pool))


async def later(steps: int, call: Awaitable[T]) -> T:
    """Let others go first, for so many steps of the event loop."""
    for _ in range(steps):
        await asyncio.sleep(0)
    return await call


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_fifty_ends_and_two_sweepers_come_to_one_end(house: House, report: Report) -> None:
    reasons: Counter[str] = Counter()
    swept = 0
    for number in range(ROUNDS):
        user = await house.player(f"player {number}")
        session = await house.start(user)
        house.clock.advance(timedelta(seconds=100))
        await house.beat(session)
        # Every other session is over by everybody's clock.
        house.clock.advance(timedelta(seconds=60 if number % 2 else 200))

        records, sweeps = await asyncio.gather(
            asyncio.gather(*(later(number % 100, house.end(session, door=each % 2)) for each in range(ENDS))),
            asyncio.gather(house.sweep(0), house.sweep(1)),
        )

        assert len(records) == ENDS
        (record,) = set(records)
        seconds = 160 if record.session.reason is EndReason.CLIENT else 100
        assert record.session.duration_seconds == record.total_playtime_seconds == seconds
        books = await house.keeper.books(user)
        every_second_is_counted_once(books)
        assert (books.live, books.leases, list(books.records)) == ({}, {}, [session.id])
        assert sum(seconds for seconds, _, _ in books.days.values()) == seconds
        ended_by_sweepers = sum(counts.total() for counts in sweeps)
        assert ended_by_sweepers <= 1
        reasons[str(record.session.reason)] += 1
        swept += ended_by_sweepers

    report(
        f"{ROUNDS} rounds, {ENDS} ends and 2 sweepers each: {ROUNDS} ends, {swept} by a sweeper; {dict(reasons)}"
    )


async def test_of_a_hundred_starts_on_as_many_devices_one_succeeds(house: House) -> None:
    user = await house.player("alice")

    answers = await asyncio.gather(
        *(house.start(user, f"device {number}", door=number % 2) for number in range(STARTS)),
        return_exceptions=True,
    )

    (winner,) = [answer for answer in answers if isinstance(answer, Session)]
    refused = [answer for answer in answers if isinstance(answer, SessionAlreadyActive)]
    assert len(refused) == STARTS - 1
    assert {refusal.details["session_id"] for refusal in refused} == {winner.id}
    assert {refusal.details["device_id"] for refusal in refused} == {winner.device_id}
    books = await house.keeper.books(user)
    assert (list(books.live), list(books.leases.values())) == ([winner.id], [winner.id])


async def test_of_a_hundred_starts_on_one_device_one_begins_and_the_others_resume(house: House) -> None:
    user = await house.player("alice")

    sessions = await asyncio.gather(*(house.start(user, door=number % 2) for number in range(STARTS)))

    assert {session.id for session in sessions} == set((await house.keeper.books(user)).live)
    assert len({session.id for session in sessions}) == 1


async def test_of_many_takeovers_at_once_each_ends_the_one_before(house: House) -> None:
    user = await house.player("alice")
    pod = house.doors[0]
    start = StartSessionHandler(uow=pod.uow, clock=pod.clock, ids=Uuid7Source(), quick=pod.quick)

    await asyncio.gather(
        *(
            start(
                StartSession(
                    user_id=user,
                    game_id=GAME.game_id,
                    device_id=f"device {number}",
                    platform=Platform.LINUX,
                    takeover=True,
                )
            )
            for number in range(20)
        )
    )

    books = await house.keeper.books(user)
    assert (len(books.live), len(books.leases), len(books.records)) == (1, 1, 19)
    assert {record[4] for record in books.records.values()} == {"taken_over"}
    assert books.told.total() == 20 + 2 * 19
