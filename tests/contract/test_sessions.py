"""Where sessions are kept: that which runs, that which ended, and its sums (data 5 to 9)."""

from datetime import timedelta

import pytest
from builders import a_game, a_purchase, game_id
from contract.libraries import ALICE, learn
from contract.worlds import World
from fakes.clock import FakeClock, SequentialIds

from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.flows.start_session import StartSession, StartSessionHandler
from library_domain.playtime.use_cases.end_session import EndSession, EndSessionHandler

PORTAL = game_id("Portal 2")


@pytest.fixture
def start(world: World, clock: FakeClock, ids: SequentialIds) -> StartSessionHandler:
    return StartSessionHandler(uow=world.uow, clock=clock, ids=ids)


async def test_a_session_is_told_the_same_after_its_end_each_time(
    world: World, add: AddToLibraryHandler, start: StartSessionHandler, clock: FakeClock
) -> None:
    await learn(world, a_game("Portal 2"))
    await add(a_purchase("Portal 2"))
    end = EndSessionHandler(uow=world.uow, clock=clock)
    begun = (await start(StartSession(user_id=ALICE, game_id=PORTAL, device_id="pc"))).session
    clock.advance(timedelta(seconds=100))

    record = await end(EndSession(user_id=ALICE, session_id=begun.id))

    assert record.session.duration_seconds == record.total_playtime_seconds == 100
    clock.advance(timedelta(seconds=100))
    assert await end(EndSession(user_id=ALICE, session_id=begun.id)) == record
