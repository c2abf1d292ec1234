"""The property of tests/unit/domain/playtime, through the real tables and two processes' pools, with everything at once."""

from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from random import Random

import pytest
from arcade import GAMES, Arcade, Pod, SkewedClock
from books import TableKeeper
from conftest import postgres_settings
from contract.libraries import learn
from contract.worlds import PostgresWorld
from fakes.clock import FakeClock
from figures import Report
from integration.postgres.pods import open_pod
from scripts import EVENINGS, script

from library_adapters.postgres.pool import Pool
from library_adapters.postgres.sessions import PostgresStaleSessions
from library_adapters.system import Uuid7Source

# Clocks of pods differ by more than they do.
AHEAD = (timedelta(), timedelta(seconds=1.4))
SEEDS = 12


@pytest.mark.timeout(300)
async def test_sessions_come_to_what_the_model_says(database: str, pool: Pool, report: Report) -> None:
    told: Counter[str] = Counter()
    await learn(
        PostgresWorld(pool, postgres_settings(database), clock=FakeClock(), ids=Uuid7Source()), *GAMES
    )
    for seed in range(SEEDS):
        clock = FakeClock(EVENINGS[seed % len(EVENINGS)])
        async with AsyncExitStack() as stack:
            pods = []
            for ahead in AHEAD:
                skewed = SkewedClock(clock, ahead)
                opened = await stack.enter_async_context(open_pod(database, clock=skewed))
                pods.append(Pod(clock=skewed, uow=opened.uow, stale=PostgresStaleSessions(opened.pool)))
            arcade = Arcade(clock=clock, pods=pods, keeper=TableKeeper(pool))
            await arcade.open(players=3)

            await arcade.play(script(Random(seed), players=3, pods=len(pods), scenes=30, at_once=7))
            await arcade.close()
        told += arcade.answers

    report(f"{SEEDS} scripts: {', '.join(f'{count} {what}' for what, count in sorted(told.items()))}")
