"""Everybody at once at two real processes: one start of a hundred, one end of fifty (details 3.8; reliability G1, G2)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx2
import pytest
from builders import game_id, user_id
from component.api.door import LIBRARY, data, refusal
from component.api.serving import buy, environment, serving
from figures import Report
from httpx2 import codes

from library_devstack.standins.issuer import Issuer

ROUNDS = 3
STARTS, ENDS, BEATS = 100, 50, 20
# A busy machine may let them wait for each other longer than anybody would: that has tests of its own.
PATIENT = {
    "LIBRARY_POSTGRES__LOCK_TIMEOUT_MILLISECONDS": "20000",
    "LIBRARY_POSTGRES__STATEMENT_TIMEOUT_MILLISECONDS": "30000",
    "LIBRARY_POSTGRES__POOL_TIMEOUT_SECONDS": "20",
}


@pytest.fixture(params=["true", "false"], ids=["batches", "plain"])
async def doors(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, redis_url: str, issuer: Issuer
) -> AsyncIterator[Sequence[httpx2.AsyncClient]]:
    environ = environment(
        database=database,
        redis_url=redis_url,
        issuer=issuer,
        LIBRARY_POSTGRES__HOT_WRITES__ENABLED=request.param,
        **PATIENT,
    )
    # A connection for each request: a kept one may be closed at the very moment that it is used again.
    limits = httpx2.Limits(max_connections=STARTS, max_keepalive_connections=0)
    async with AsyncExitStack() as stack:
        processes = await stack.enter_async_context(serving(tmp_path, environ, processes=2))
        yield [
            await stack.enter_async_context(
                httpx2.AsyncClient(base_url=process.url, limits=limits, timeout=60, trust_env=False)
            )
            for process in processes
        ]


@dataclass(frozen=True)
class Player:
    """Somebody with many clients, half of them at each door."""

    doors: Sequence[httpx2.AsyncClient]
    headers: dict[str, str]

    async def post_all(self, what: str, bodies: Sequence[dict[str, str]]) -> list[httpx2.Response]:
        """Post all of them at once."""
        turns = zip(cycle(self.doors), bodies, strict=False)
        return await asyncio.gather(
            *(
                door.post(f"{LIBRARY}/playtime/{what}", json=body, headers=self.headers)
                for door, body in turns
            )
        )

    async def history(self) -> Any:
        return data(await self.doors[0].get(f"{LIBRARY}/playtime/sessions", headers=self.headers))["items"]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_one_of_a_hundred_starts_begins_and_fifty_ends_are_one(
    doors: Sequence[httpx2.AsyncClient], database: str, issuer: Issuer, report: Report
) -> None:
    answers: Counter[str] = Counter()
    for number in range(ROUNDS):
        name = f"player {number}"
        await buy(database, "Portal 2", by=name)
        player = Player(doors, {"Authorization": f"Bearer {issuer.mint(user_id(name))}"})

        starts = await player.post_all(
            "start",
            [{"game_id": str(game_id("Portal 2")), "device_id": f"device {each}"} for each in range(STARTS)],
        )
        (begun,) = [data(answer) for answer in starts if answer.status_code == codes.OK]
        refusals = [refusal(answer) for answer in starts if answer.status_code != codes.OK]
        session = {"session_id": begun["session_id"]}
        ends, beats = await asyncio.gather(
            player.post_all("end", [session] * ENDS), player.post_all("heartbeat", [session] * BEATS)
        )

        there = {name: begun[name] for name in ("session_id", "device_id", "start_time")}
        assert refusals == [(409, "SESSION_ALREADY_ACTIVE", there)] * (STARTS - 1)
        assert [data(end) for end in ends] == [data(ends[0])] * ENDS
        for beat in beats:
            assert beat.status_code == codes.OK or refusal(beat)[:2] == (409, "SESSION_ENDED")
        assert [each["id"] for each in await player.history()] == [begun["session_id"]]
        answers.update(f"{answer.status_code} to start" for answer in starts)
        answers.update(f"{answer.status_code} to end" for answer in ends)
        answers.update(f"{answer.status_code} to heartbeat" for answer in beats)

    report(f"{ROUNDS} rounds over two processes: {dict(sorted(answers.items()))}; {ROUNDS} sessions")
