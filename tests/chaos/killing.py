"""`kill -9` of a process, again and again, at moments that a seed chooses."""

import random
import time
from collections.abc import Awaitable, Callable

from e2e.house import House
from waiting import until

KILLS = 10


async def kill_repeatedly(
    house: House,
    name: str,
    *,
    progress: Callable[[], Awaitable[float]],
    seed: int,
    kills: int = KILLS,
    between: tuple[int, int] = (3, 40),
    before: Callable[[], Awaitable[None]] | None = None,
    dead: Callable[[], Awaitable[None]] | None = None,
) -> list[float]:
    """Kill the process after a seeded amount of its own progress, start it again, and so on.

    `before` is awaited before each kill, `dead` between it and the restart. Returns the seconds from each kill to the next
    progress.
    """
    chance = random.Random(seed)
    recoveries = []
    for _ in range(kills):
        enough = await progress() + chance.randint(*between)

        async def busy(enough: float = enough) -> bool:
            return await progress() >= enough

        await until(busy, within=60, every=0.005, what=f"progress of {name}")
        if before is not None:
            await before()
        await house.kill(name)
        killed_at, done = time.monotonic(), await progress()
        if dead is not None:
            await dead()

        async def recovered(done: float = done) -> bool:
            return await progress() > done

        await house.start(name)
        await until(recovered, within=60, what=f"progress of {name} after its restart")
        recoveries.append(time.monotonic() - killed_at)
    return recoveries
