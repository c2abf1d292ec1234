"""A start is the flow's, its rows are the store's: together they let no second of a game count twice (contract 4.2)."""

from datetime import datetime, timedelta

import pytest
from builders import NOON
from contract.libraries import ALICE
from contract.played import PORTAL, begin, finish, kept, own, play
from contract.worlds import World
from fakes.clock import FakeClock, SequentialIds

from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.flows.start_session import StartSession, StartSessionHandler, StartSessionResult
from library_domain.playtime.model import CLOCKS_APART, EndReason, started_at

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


@pytest.fixture(autouse=True)
async def library(world: World, add: AddToLibraryHandler) -> None:
    """Give Alice a game."""
    await own(world, add, "Portal 2")


async def start(
    world: World, ids: SequentialIds, at: datetime, *, device: str = "desktop", takeover: bool = False
) -> StartSessionResult:
    """Start by a clock that says `at`."""
    handler = StartSessionHandler(uow=world.uow, clock=FakeClock(at), ids=ids)
    return await handler(StartSession(user_id=ALICE, game_id=PORTAL, device_id=device, takeover=takeover))


@pytest.mark.parametrize("behind", [timedelta(), SECOND, CLOCKS_APART])
async def test_a_session_begins_where_the_last_one_ended_by_a_clock_that_is_ahead(
    world: World, ids: SequentialIds, behind: timedelta
) -> None:
    await play(world, NOON, NOON + 5 * MINUTE)

    session = (await start(world, ids, NOON + 5 * MINUTE - behind)).session

    assert session.start_time == started_at(session.id) == NOON + 5 * MINUTE


async def test_an_end_that_none_of_our_clocks_can_have_written_holds_up_nobody(
    world: World, ids: SequentialIds
) -> None:
    await play(world, NOON + DAY, NOON + DAY + MINUTE)

    assert (await start(world, ids, NOON)).session.start_time == NOON


async def test_a_takeover_by_a_clock_that_is_behind_begins_where_the_other_device_ended(
    world: World, ids: SequentialIds
) -> None:
    running = await begin(world, NOON + 3 * SECOND, device_id="desktop")

    taken = (await start(world, ids, NOON, device="laptop", takeover=True)).session

    assert taken.start_time == NOON + 3 * SECOND
    async with world.uow.begin() as tx:
        record = await tx.sessions.ended(ALICE, running.id)
    assert record is not None
    assert (record.session.reason, record.session.end_time) == (EndReason.TAKEN_OVER, NOON + 3 * SECOND)


async def test_what_is_over_is_ended_by_the_next_start(world: World, ids: SequentialIds) -> None:
    silent = await begin(world, NOON, device_id="desktop")

    fresh = await start(world, ids, NOON + 10 * MINUTE, device="laptop")

    assert not fresh.resumed
    async with world.uow.begin() as tx:
        record = await tx.sessions.ended(ALICE, silent.id)
    assert record is not None
    assert (record.session.reason, record.session.end_time) == (EndReason.TIMEOUT, NOON)
    assert set(await world.copies()) == {(ALICE, PORTAL)}


async def test_the_same_device_goes_on(world: World, ids: SequentialIds) -> None:
    first = await start(world, ids, NOON)
    again = await start(world, ids, NOON + MINUTE)

    assert (again.session.id, again.resumed) == (first.session.id, True)
    record = await finish(world, again.session, NOON + 2 * MINUTE)
    assert record.session.duration_seconds == 120
    assert await kept(world, record) == record
