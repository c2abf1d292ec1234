"""Purchases, refunds and subscriptions in any order and number come to what a simple model says (data 1)."""

from contract.worlds import MemoryWorld
from fakes.clock import FakeClock, SequentialIds
from hypothesis import given, settings
from rights import CATALOG, History, histories, holds_for


@given(histories())
@settings(max_examples=100)
async def test_rights_come_to_what_the_model_says(history: History) -> None:
    world = MemoryWorld(clock=FakeClock(), ids=SequentialIds())
    world.store.games.update({game.game_id: game for game in CATALOG})

    await holds_for(world, history)
