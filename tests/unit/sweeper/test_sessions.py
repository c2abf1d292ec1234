"""The walk of the task `sessions`: everybody once, from anywhere, side by side, whatever fails."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from library_domain.playtime.model import EndReason, SessionId
from library_domain.playtime.ports import FoundSession, RunningSessions
from library_domain.playtime.use_cases.sweep_sessions import SweepSessions, SweepSessionsResult
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import UserId
from library_sweeper.metrics import SessionMetrics
from library_sweeper.sessions import SessionsTask

LAST = (1 << 128) - 1
SESSION = 7 << 76
SESSION_ID = SessionId(UUID(int=SESSION))


def user_of(number: int) -> UserId:
    return UserId(UUID(int=number))


class House:
    """Sessions of users that are over, and a use case that ends them by their keys; a user's id may be amiss."""

    def __init__(self, users: Iterable[int] = (), *, amiss: Iterable[int] = ()) -> None:
        self.over = sorted((user, SESSION) for user in users)
        self.amiss = set(amiss)
        self.ended: list[int] = []
        self.looked_at: list[int] = []
        self.is_away = False

    async def sweep(self, command: SweepSessions) -> SweepSessionsResult:
        if self.is_away:
            raise DependencyUnavailable("postgres")
        after = (command.after.user_id.int, command.after.session_id.int) if command.after else (-1, 0)
        before = command.before.int if command.before else LAST + 1
        found = [key for key in self.over if after < key and key[0] < before][: command.limit]
        users = [user for user, _ in found]
        ended = [user for user in users if user not in self.amiss]
        self.over = [key for key in self.over if key[0] not in ended]
        self.ended += ended
        self.looked_at += users
        last = FoundSession(user_id=user_of(users[-1]), session_id=SESSION_ID) if users else None
        return SweepSessionsResult(
            ended={EndReason.TIMEOUT: len(ended)} if ended else {},
            busy=0,
            lateness=[timedelta(seconds=30) for _ in ended],
            failed=[
                (FoundSession(user_id=user_of(user), session_id=SESSION_ID), ValueError("unreadable"))
                for user in users
                if user in self.amiss
            ],
            next_after=last if len(found) == command.limit else None,
        )


class Bench:
    """A task over a house."""

    def __init__(self, house: House, *, start: int = 0, limit: int = 3, parallel: int = 4) -> None:
        self.house = house
        self.counted = 0
        self.registry = CollectorRegistry()
        self.metrics = SessionMetrics(self.registry)
        self.task = SessionsTask(
            house.sweep,
            at_the_end=self._count,
            metrics=self.metrics,
            limit=limit,
            parallel=parallel,
            place=lambda: start,
        )

    async def _count(self) -> None:
        self.counted += 1
        self.metrics.show(RunningSessions(active=3, afk=2, over=1))

    async def walk(self) -> int:
        """Go on until the walk is over; return how many sessions were ended."""
        ended, more = 0, True
        while more:
            now, more = await self.task()
            ended += now
        return ended

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"library_sessions_{name}", labels)


user_ids = st.integers(min_value=0, max_value=LAST)


@given(
    users=st.sets(user_ids, max_size=30),
    start=user_ids,
    limit=st.integers(min_value=1, max_value=8),
    parallel=st.integers(min_value=1, max_value=5),
)
async def test_a_walk_meets_everybody_once_wherever_it_begins(
    users: set[int], start: int, limit: int, parallel: int
) -> None:
    # Its own edges are where a walk could leave somebody out.
    everybody = users | {0, LAST, start, (start - 1) % (LAST + 1)}
    house = House(everybody)

    ended = await Bench(house, start=start, limit=limit, parallel=parallel).walk()

    assert sorted(house.looked_at) == sorted(everybody)
    assert ended == len(everybody)


async def test_a_call_is_one_batch_of_each_part_and_no_more() -> None:
    house = House(number << 96 for number in range(1 << 8))
    bench = Bench(house, limit=3, parallel=1)

    ended, more = await bench.task()

    assert (ended, more) == (3, True)


async def test_it_begins_at_its_place() -> None:
    house = House(number << 120 for number in range(256))
    bench = Bench(house, start=200 << 120, limit=2, parallel=1)

    await bench.task()

    assert [user >> 120 for user in house.ended] == [200, 201]


async def test_a_walk_that_was_cut_off_goes_on_where_it_was() -> None:
    house = House(number << 120 for number in range(256))
    bench = Bench(house, limit=10, parallel=1)

    await bench.task()
    house.is_away = True
    with pytest.raises(DependencyUnavailable):
        await bench.task()
    house.is_away = False
    await bench.task()

    assert [user >> 120 for user in house.ended] == list(range(20))


async def test_sessions_are_counted_once_a_walk() -> None:
    bench = Bench(House(range(20)))
    assert bench.value("live", status="active") != 3

    await bench.walk()
    assert bench.counted == 1
    await bench.walk()

    assert bench.counted == 2
    assert [bench.value("live", status=status) for status in ("active", "afk", "over")] == [3, 2, 1]


async def test_what_was_ended_and_how_late_is_measured() -> None:
    bench = Bench(House(range(20)))

    await bench.walk()

    assert bench.value("swept_total", reason="timeout") == 20
    assert bench.value("swept_total", reason="afk") == 0
    assert bench.value("sweep_lateness_seconds_count") == 20
    assert bench.value("sweep_lateness_seconds_sum") == 600


async def test_sessions_that_cannot_be_ended_hold_up_nobody_and_fail_the_task() -> None:
    house = House(range(20), amiss=(3, 4))
    bench = Bench(house)

    with pytest.raises(RuntimeError, match="2 sessions could not be ended"):
        await bench.walk()

    assert len(house.ended) == 18
    assert bench.value("failed_total") == 2
