"""The promise in time: from a purchase to the game in the library, a thousand times."""

import asyncio
import statistics
import time
from collections import Counter

import pytest
from figures import Report
from waiting import ticks, until

from e2e.doors import Payments, Rest, Tail, deduped, sequences
from e2e.purchases import Purchase, derived, games

PURCHASES = 1_000
PER_SECOND = 25
BUYERS = 100
FIRST_LOOK_SECONDS = 0.05
LATER = 1.3
"""Each look comes so much later than the one before: looking is not most of the load, and the figure is at most so
much too high."""
SECONDS = 30
MEDIAN_SECONDS = 1.0


@pytest.mark.slow
async def test_a_purchase_is_visible_within_a_second_and_announced_once(
    rest: Rest, payments: Payments, announced: Tail, report: Report
) -> None:
    purchases = [
        Purchase(
            about=f"visible {number}",
            user=derived("user", f"buys ten {number % BUYERS}"),
            # Ten for each, of some two hundred: most are known by then, as in real life.
            game=games()[number // BUYERS + 2 * (number % BUYERS)].game_id,
        )
        for number in range(PURCHASES)
    ]
    users = {purchase.user for purchase in purchases}

    async def buy(purchase: Purchase) -> float:
        began = time.monotonic()
        await payments.publish(purchase.event())
        async with asyncio.timeout(SECONDS):
            pause = FIRST_LOOK_SECONDS
            while await rest.visible(purchase.user, purchase.game) is None:
                await asyncio.sleep(pause)
                pause *= LATER
        return time.monotonic() - began

    async with asyncio.TaskGroup() as group:
        waiting = []
        async for number in ticks(PER_SECOND):
            waiting.append(group.create_task(buy(purchases[number])))
            if len(waiting) == PURCHASES:
                break
    seconds = sorted(each.result() for each in waiting)
    await until_announced(announced, purchases)

    records = announced.of(*users)
    times_announced = Counter((each.user, each.data["game_id"]) for each in deduped(records))
    median, p95 = statistics.median(seconds), seconds[int(PURCHASES * 0.95)]
    report(
        f"{PURCHASES} purchases at {PER_SECOND}/s (open loop), publish to visible over REST: "
        f"median {median * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms, max {seconds[-1] * 1000:.0f} ms"
    )
    report(
        f"announced: {len(records)} records, {len(records) - sum(times_announced.values())} of them repetitions, "
        f"{len(times_announced)} games, each once"
    )
    assert times_announced == {(each.user, str(each.game)): 1 for each in purchases}
    assert all(numbers == sorted(set(numbers)) for numbers in sequences(records).values())
    assert median < MEDIAN_SECONDS


async def until_announced(announced: Tail, purchases: list[Purchase]) -> None:
    users = {purchase.user for purchase in purchases}

    async def all_of_them() -> bool:
        return len({each.id for each in announced.of(*users)}) >= len(purchases)

    await until(all_of_them, within=SECONDS, what=f"{len(purchases)} announcements")
