"""Waiting for what sets no event of ours: bounded, and never for a time alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02


async def until(
    condition: Callable[[], Awaitable[T]], *, within: float, what: str, every: float = POLL_SECONDS
) -> T:
    """Return the first answer that is true. Fails the test, saying what was waited for and the last answer."""
    answer: T | None = None
    try:
        async with asyncio.timeout(within):
            while True:
                answer = await condition()
                if answer:
                    return answer
                await asyncio.sleep(every)
    except TimeoutError:
        raise AssertionError(f"not within {within:g} s: {what}; last seen: {answer!r}") from None


async def ticks(per_second: float, *, stop: asyncio.Event | None = None) -> AsyncIterator[int]:
    """Count at this rate, by the clock and not by what the caller does in between (open loop), until `stop`.

    Who is late finds the missed ticks at once: the load stays what was promised.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    began = loop.time()
    number = 0
    while not stop.is_set():
        try:
            async with asyncio.timeout_at(began + number / per_second):
                await stop.wait()
        except TimeoutError:
            yield number
            number += 1


async def reached(
    count: Callable[[], Awaitable[float]], goal: float, *, within: float, what: str, every: float = 0.1
) -> None:
    """Return when the count is at its goal, or beyond. Fails the test, saying how far it came."""
    seen = 0.0
    try:
        async with asyncio.timeout(within):
            while (seen := await count()) < goal:  # noqa: ASYNC110 - another process sets no event of ours
                await asyncio.sleep(every)
    except TimeoutError:
        raise AssertionError(f"not within {within:g} s: {what}; {seen:g} of {goal:g}") from None
