"""`kill -9` of the API under players who play: no session is lost, and no heartbeat that was answered (issue 6)."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from chaos.killing import kill_repeatedly
from chaos.ledger import quantiles
from e2e.doors import BASE, Rest
from e2e.house import House, open_house
from e2e.purchases import BOUGHT_AT, derived, games
from figures import Report
from httpx2 import codes
from waiting import ticks

SESSIONS = 2_000
KILLS = int(os.environ.get("PLAYING_KILLS", "4"))
"""`make chaos` has ten kills."""
PER_SECOND = 100
AT_ONCE = 40
GAME = games()[0].game_id

_OWN = """
INSERT INTO user_revisions (user_id, revision, changed_at)
SELECT unnest(%(users)s::uuid[]), 1, %(at)s;

INSERT INTO user_libraries (user_id, game_id, product_type, acquisition_type, acquisition_date, revision)
SELECT unnest(%(users)s::uuid[]), %(game)s, 'game', 'purchase', %(at)s, 1;

INSERT INTO library_grants (user_id, game_id, acquisition_type, source_id, granted_at, event_time, revision)
SELECT unnest(%(users)s::uuid[]), %(game)s, 'purchase', 't', %(at)s, %(at)s, 1;
"""
_LIVE = """
SELECT session_id, active_first_day + active_second_day AS played,
       extract(EPOCH FROM last_heartbeat_at - start_time)::integer AS heard
  FROM active_sessions
"""
_SUMS = """
SELECT (SELECT count(*) FROM active_sessions) AS live,
       (SELECT count(*) FROM copy_leases) AS leases,
       (SELECT count(*) FROM playtime_sessions) AS records,
       (SELECT sum(duration) FROM playtime_sessions) AS seconds,
       (SELECT sum(total_playtime) FROM user_libraries) AS of_items,
       (SELECT sum(total_playtime) FROM playtime_stats_daily) AS of_days,
       (SELECT sum(total_playtime) FROM playtime_stats_monthly) AS of_months,
       (SELECT sum(sessions_count) FROM playtime_stats_monthly) AS counted
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    # The limiter asks Redis at each request: with it there is something to miss.
    settings = {"LIBRARY_RATE_LIMIT__ENABLED": "true"}
    async with open_house(tmp_path, settings=settings, deployables=("api",)) as house:
        yield house


@dataclass
class Session:
    user: UUID
    id: str
    acknowledged: int = 0
    """Seconds: the most that a heartbeat was answered with."""


@dataclass
class Players:
    """Players whose launchers call all the time, and who write down what they were told."""

    rest: Rest
    sessions: list[Session] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)

    async def answered(self) -> float:
        return self.answers["200"]

    async def start(self, users: Sequence[UUID]) -> None:
        async def start(user: UUID) -> Session:
            body = {"game_id": str(GAME), "device_id": "deck", "platform": "linux"}
            return Session(user, await self._told("start", body, user=user, member="session_id"))

        self.sessions = await _a_few_at_a_time(start(user) for user in users)

    async def end(self) -> list[int]:
        """End every session; return what each counted."""

        async def end(session: Session) -> int:
            body = {"session_id": session.id}
            return int(await self._told("end", body, user=session.user, member="duration_seconds"))

        return await _a_few_at_a_time(end(session) for session in self.sessions)

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[None]:
        """Send heartbeats at a steady rate while the block runs, session by session."""
        stop = asyncio.Event()

        async def play() -> None:
            async with asyncio.TaskGroup() as group:
                async for number in ticks(PER_SECOND, stop=stop):
                    group.create_task(self._beat(self.sessions[number % len(self.sessions)]))

        task = asyncio.create_task(play(), name="heartbeats")
        try:
            yield
        finally:
            stop.set()
            await task

    async def _beat(self, session: Session) -> None:
        try:
            answer = await self._post("heartbeat", {"session_id": session.id}, user=session.user)
        except (httpx2.NetworkError, httpx2.RemoteProtocolError, httpx2.TimeoutException) as error:
            self.answers[type(error).__name__] += 1
            return
        self.answers[str(answer.status_code)] += 1
        if answer.status_code != codes.SERVICE_UNAVAILABLE:
            assert answer.status_code == codes.OK, answer.text
            played = answer.json()["data"]["played_seconds"]
            session.acknowledged = max(session.acknowledged, played)

    async def _told(self, what: str, body: dict[str, Any], *, user: UUID, member: str) -> Any:
        answer = await self._post(what, body, user=user)
        assert answer.status_code == codes.OK, answer.text
        return answer.json()["data"][member]

    async def _post(self, what: str, body: dict[str, Any], *, user: UUID) -> httpx2.Response:
        return await self.rest.post(f"{BASE}/playtime/{what}", body, user=user)


async def test_kills_of_the_api_lose_no_session_and_no_answered_heartbeat(
    house: House, report: Report
) -> None:
    users = [derived("user", f"plays {number}") for number in range(SESSIONS)]
    for statement in filter(str.strip, _OWN.split(";")):
        await house.rows(statement, {"users": users, "game": GAME, "at": BOUGHT_AT})
    players = Players(await house.rest())
    await players.start(users)

    for with_redis in (True, False):
        if not with_redis:
            await house.kill("redis")
        players.answers.clear()
        async with players.playing():
            recoveries = await kill_repeatedly(
                house,
                "api",
                progress=players.answered,
                seed=6,
                kills=KILLS // 2,
                between=(200, 800),
                dead=partial(compare, house, players),
            )
        await compare(house, players)
        redis = "with Redis" if with_redis else "without Redis"
        report(f"{KILLS // 2} kill -9 of api {redis}: {dict(players.answers.most_common())}")
        report(f"{SESSIONS} sessions, none lost; every answered heartbeat is in the database")
        report(f"from the kill to the next answer, start of the process included: {quantiles(recoveries)}")
    counted = await players.end()

    for session, seconds in zip(players.sessions, counted, strict=True):
        assert seconds >= session.acknowledged
    (sums,) = await house.rows(_SUMS)
    total = sum(counted)
    assert sums == {
        "live": 0,
        "leases": 0,
        "records": SESSIONS,
        "seconds": total,
        "of_items": total,
        "of_days": total,
        "of_months": total,
        "counted": SESSIONS,
    }
    assert await house.run("library_sweeper", "verify") == (0, "")
    report(f"{SESSIONS} ends: {total} s in the sessions, the items, the days and the months")


async def compare(house: House, players: Players) -> None:
    """Fail on a session that is gone, and on a heartbeat that was answered and is not there.

    To be called while nobody can call again: the next heartbeat of a session would make up for one that was lost.
    """
    acknowledged = {session.id: session.acknowledged for session in players.sessions}
    stored = {str(row["session_id"]): row for row in await house.rows(_LIVE)}
    assert stored.keys() == acknowledged.keys()
    assert all(row["played"] == row["heard"] for row in stored.values())
    assert [each for each, played in acknowledged.items() if stored[each]["played"] < played] == []


async def _a_few_at_a_time(calls: Iterable[Any]) -> list[Any]:
    """Make the calls, no more of them at once than the client has connections; return the results in order."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(call: Any) -> Any:
        async with turns:
            return await call

    return await asyncio.gather(*map(in_turn, calls))
