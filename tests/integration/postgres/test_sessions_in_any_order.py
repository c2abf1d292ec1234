"""The property of tests/unit/domain/playtime, through the real tables and two pods, with everything at once (contract 4.2)."""

import os
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from random import Random

import pytest
from arcade import GAMES, Arcade, SkewedClock
from books import TableKeeper
from conftest import postgres_settings
from contract.libraries import learn
from contract.worlds import PostgresWorld
from fakes.clock import FakeClock
from figures import Report
from integration.postgres.playing import open_playing_pod, quick_writes
from prometheus_client import CollectorRegistry
from scripts import EVENINGS, script

from library_adapters.postgres.ledgers import PostgresLedgers
from library_adapters.postgres.pool import Pool
from library_adapters.system import Uuid7Source
from library_domain.playtime.model import discrepancies

# Clocks of pods differ by more than they do.
AHEAD = (timedelta(), timedelta(seconds=1.4))
SCRIPTS = int(os.environ.get("PLAYING_SCRIPTS", "6"))
"""`make chaos` has forty."""


@pytest.mark.slow
@pytest.mark.timeout(300 + 60 * SCRIPTS)
@pytest.mark.parametrize(
    "quickly", [(False, False), (True, True), (True, False)], ids=["plain", "batches", "mixed"]
)
async def test_sessions_come_to_what_the_model_says(
    database: str, pool: Pool, report: Report, quickly: tuple[bool, bool]
) -> None:
    told: Counter[str] = Counter()
    by_quick_way = refused = 0
    world = PostgresWorld(pool, postgres_settings(database), clock=FakeClock(), ids=Uuid7Source())
    await learn(world, *GAMES)
    for seed in range(SCRIPTS):
        clock = FakeClock(EVENINGS[seed % len(EVENINGS)])
        async with AsyncExitStack() as stack:
            registries = [CollectorRegistry() for _ in quickly]
            pods = [
                await stack.enter_async_context(
                    open_playing_pod(
                        database, clock=SkewedClock(clock, ahead), quickly=way, registry=registry
                    )
                )
                for ahead, way, registry in zip(AHEAD, quickly, registries, strict=True)
            ]
            arcade = Arcade(clock=clock, pods=pods, keeper=TableKeeper(pool))
            await arcade.open(players=3)

            await arcade.play(script(Random(seed), players=3, pods=len(pods), scenes=30, at_once=7))
            await arcade.close()
            for player in arcade.players:
                assert list(discrepancies(await PostgresLedgers(pool).of(player))) == []
        told += arcade.answers
        by_quick_way += sum(map(quick_writes, registries))
        refused += sum(quick_writes(registry, "refused") for registry in registries)

    report(f"{SCRIPTS} scripts: {', '.join(f'{count} {what}' for what, count in sorted(told.items()))}")
    report(f"{by_quick_way} writes in batches, {refused} refused there and done the ordinary way")
    assert (by_quick_way > 0) == any(quickly)
