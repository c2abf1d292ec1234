"""Whatever players, sweepers and the clocks of pods do, also at once: each second is counted once (contract 4.2)."""

from datetime import timedelta
from random import Random

import pytest
from arcade import GAMES, Arcade, Pod, SkewedClock
from books import StoreKeeper
from contract.libraries import learn
from contract.worlds import MemoryWorld
from fakes.clock import FakeClock
from scripts import EVENINGS, script

from library_adapters.system import Uuid7Source

# Clocks of pods differ by more than they do.
AHEAD = (timedelta(), timedelta(seconds=1.4))


@pytest.mark.parametrize("seed", range(16))
async def test_sessions_come_to_what_the_model_says(seed: int) -> None:
    chance = Random(seed)
    clock = FakeClock(EVENINGS[seed % len(EVENINGS)])
    world = MemoryWorld(clock=clock, ids=Uuid7Source())
    await learn(world, *GAMES)
    pods = [Pod(clock=SkewedClock(clock, ahead), uow=world.uow, stale=world.stale) for ahead in AHEAD]
    arcade = Arcade(clock=clock, pods=pods, keeper=StoreKeeper(world.store))
    await arcade.open(players=2)

    await arcade.play(script(chance, players=2, pods=len(pods), scenes=25, at_once=5))
    await arcade.close()
