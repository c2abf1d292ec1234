"""A load generator as a process: `python -m library_devstack.bench.generator` reads a job and answers what it saw.

A process of its own, because its CPU is not the measured service's, and so that several can share a load. It ends by
itself: after the job's time, and a little for the answers that are under way.
"""

import asyncio
import random
import sys
import time
from array import array
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path

import msgspec
import uvloop

from library_devstack.bench.hostile import siege
from library_devstack.bench.jobs import GRPC, REST, Closed, Job, Paced, Seen, Steady
from library_devstack.bench.lines import CallLine, GetLines
from library_devstack.bench.messages import ACCESS, BATCH, Asker

_REST_CONNECTIONS = 128
_CALL_CONNECTIONS = 4
_WAITING_MAX = 2_000
"""Requests that have no connection yet; more are given up, and counted as errors."""
_LAST_ANSWERS_SECONDS = 5.0
_SHARES = ((0.35, "unchanged"), (0.60, "list"), (0.90, "item"), (1.0, "access"))
"""Of the mixed load, added up: 35 % lists that did not change, 25 % lists, 30 % items, 10 % access checks."""


class _Tally:
    """Latencies and errors through one door."""

    def __init__(self, door: str) -> None:
        self._door = door
        self._latencies = array("d")
        self._errors = 0

    async def count(self, answer: Awaitable[bool], *, since: float) -> None:
        try:
            is_good = await answer
        except OSError:  # no connection: as good as no answer
            is_good = False
        if is_good:
            self._latencies.append((time.perf_counter() - since) * 1000)
        else:
            self._errors += 1

    def give_up(self, count: int) -> None:
        self._errors += count

    def seen(self, seconds: float) -> Seen:
        return Seen(
            door=self._door, seconds=seconds, errors=self._errors, latencies=self._latencies.tobytes()
        )


async def closed(job: Closed) -> list[Seen]:
    """Let every slot ask again when it was answered, until the time is over."""
    asker, tally = Asker(Path(job.tokens), seed=job.seed), _Tally(GRPC)
    make = asker.batch if job.path == BATCH else asker.access
    lines = [CallLine(job.address, path=job.path, token=job.system_token) for _ in range(job.connections)]
    began = time.perf_counter()

    async def keep_asking(line: CallLine) -> None:
        while (now := time.perf_counter()) < began + job.seconds:
            await tally.count(line.ask(make()), since=now)

    await asyncio.gather(*(keep_asking(line) for line in lines for _ in range(job.streams)))
    took = time.perf_counter() - began
    for line in lines:
        line.close()
    return [tally.seen(took)]


async def paced(job: Paced) -> list[Seen]:
    """Send each request when it is due, at times as independent clients have them (a Poisson process).

    Its latency counts from when it was due: what waits for a slow server has waited (no coordinated omission).
    """
    chance = random.Random(job.seed)  # noqa: S311 - nothing is to be guessed here
    asker = Asker(Path(job.tokens), seed=job.seed)
    gets = GetLines(job.http_address, connections=_REST_CONNECTIONS, waiting_max=_WAITING_MAX)
    calls = [CallLine(job.address, path=ACCESS, token=job.system_token) for _ in range(_CALL_CONNECTIONS)]
    tallies = {REST: _Tally(REST), GRPC: _Tally(GRPC)}
    kinds: dict[str, tuple[_Tally, Callable[[], Awaitable[bool]]]] = {
        "unchanged": (tallies[REST], lambda: gets.ask(asker.list(job.http_address, etag=job.etag))),
        "list": (tallies[REST], lambda: gets.ask(asker.list(job.http_address))),
        "item": (tallies[REST], lambda: gets.ask(asker.item(job.http_address))),
        "access": (tallies[GRPC], lambda: chance.choice(calls).ask(asker.access())),
    }

    def next_one() -> tuple[_Tally, Awaitable[bool]]:
        tally, ask = kinds[_kind(chance.random())]
        return tally, ask()

    took, late = await _at_random_times(next_one, rate=job.rate, seconds=job.seconds, chance=chance)
    tallies[REST].give_up(late)
    gets.close()
    for line in calls:
        line.close()
    return [tally.seen(took) for tally in tallies.values()]


async def steady(job: Steady) -> list[Seen]:
    """Make each call when it is due; beside hostile clients once all of them are there."""
    chance = random.Random(job.seed)  # noqa: S311 - nothing is to be guessed here
    asker, tally = Asker(Path(job.tokens), seed=job.seed), _Tally(GRPC)
    calls = [CallLine(job.address, path=ACCESS, token=job.system_token) for _ in range(_CALL_CONNECTIONS)]
    others = siege(job.address, path=ACCESS, token=job.system_token, seconds=job.seconds)
    async with others if job.besieged else nullcontext():
        took, late = await _at_random_times(
            lambda: (tally, chance.choice(calls).ask(asker.access())),
            rate=job.rate,
            seconds=job.seconds,
            chance=chance,
        )
    tally.give_up(late)
    for line in calls:
        line.close()
    return [tally.seen(took)]


async def _at_random_times(
    next_one: Callable[[], tuple[_Tally, Awaitable[bool]]],
    *,
    rate: int,
    seconds: float,
    chance: random.Random,
) -> tuple[float, int]:
    """Ask at times as independent clients have them; return how long it took, and how many answers did not come."""
    began = time.perf_counter()
    due = began
    under_way: set[asyncio.Task[None]] = set()
    while due < began + seconds:
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        while due <= time.perf_counter():
            tally, answer = next_one()
            task = asyncio.create_task(tally.count(answer, since=due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            due += chance.expovariate(rate)
    late: set[asyncio.Task[None]] = set()
    if under_way:
        _, late = await asyncio.wait(under_way, timeout=_LAST_ANSWERS_SECONDS)
        for task in late:
            task.cancel()
    return time.perf_counter() - began, len(late)


def _kind(drawn: float) -> str:
    return next(kind for share, kind in _SHARES if drawn < share)


async def _do(job: Job) -> list[Seen]:
    match job:
        case Closed():
            return await closed(job)
        case Paced():
            return await paced(job)
        case Steady():
            return await steady(job)


def main() -> None:
    """Do the job on standard input."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    seen = uvloop.run(_do(job))
    sys.stdout.buffer.write(msgspec.msgpack.encode(seen))


if __name__ == "__main__":
    main()
