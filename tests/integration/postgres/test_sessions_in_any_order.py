"""The property of tests/unit/domain/playtime, through the real tables and two processes' pools, with everything at once."""

from collections import Counter
from collections.abc import Sequence
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
from integration.postgres.pods import Pod as PostgresPod
from integration.postgres.pods import open_pod
from prometheus_client import CollectorRegistry
from scripts import EVENINGS, script

from library_adapters.postgres.hot_reads.batches import open_hot_reads
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.quick_sessions import SESSION_READS, PostgresQuickSessions, open_quick_sessions
from library_adapters.postgres.sessions import PostgresStaleSessions
from library_adapters.system import Uuid7Source

# Clocks of pods differ by more than they do.
AHEAD = (timedelta(), timedelta(seconds=1.4))
SEEDS = 12


@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_quick", [False, True], ids=["ordinary", "quick"])
async def test_sessions_come_to_what_the_model_says(
    database: str, pool: Pool, report: Report, *, is_quick: bool
) -> None:
    told: Counter[str] = Counter()
    registries: list[CollectorRegistry] = []
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
                registries.append(CollectorRegistry())
                quick = await _open_quick(stack, opened, skewed, registries[-1]) if is_quick else None
                stale = PostgresStaleSessions(opened.pool)
                pods.append(Pod(clock=skewed, uow=opened.uow, stale=stale, quick=quick))
            arcade = Arcade(clock=clock, pods=pods, keeper=TableKeeper(pool))
            await arcade.open(players=3)

            await arcade.play(script(Random(seed), players=3, pods=len(pods), scenes=30, at_once=7))
            await arcade.close()
        told += arcade.answers

    assert [_done(write, registries) > 0 for write in ("start", "heartbeat", "end")] == [is_quick] * 3
    way = "quick" if is_quick else "ordinary"
    report(
        f"{SEEDS} scripts the {way} way: {', '.join(f'{count} {what}' for what, count in sorted(told.items()))}"
    )


async def _open_quick(
    stack: AsyncExitStack, pod: PostgresPod, clock: SkewedClock, registry: CollectorRegistry
) -> PostgresQuickSessions:
    reads = await stack.enter_async_context(
        open_hot_reads(pod.settings, reads=SESSION_READS, registry=registry)
    )
    quick = await stack.enter_async_context(
        open_quick_sessions(
            pod.uow, pod.settings, reads=reads, clock=clock, ids=Uuid7Source(), registry=registry
        )
    )
    assert quick is not None
    return quick


def _done(write: str, registries: Sequence[CollectorRegistry]) -> float:
    """Return how many of these writes were made the quick way."""
    labels = {"write": write, "outcome": "done"}
    return sum(each.get_sample_value("library_quick_writes_total", labels) or 0.0 for each in registries)
