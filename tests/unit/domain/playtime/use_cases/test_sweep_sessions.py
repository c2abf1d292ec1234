"""One batch of the sweeper: what it tells, and whom it does not wait for."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from builders import NOON, a_game, a_session, user_id
from fakes.clock import FakeClock, SequentialIds
from fakes.sessions import FakeStaleSessions
from fakes.store import Store
from fakes.unit_of_work import FakeTransaction, FakeUnitOfWork

from library_domain.playtime.model import EndReason, Session
from library_domain.playtime.ports import FoundSession
from library_domain.playtime.use_cases.sweep_sessions import SweepSessions, SweepSessionsHandler
from library_domain.shared.errors import DependencyUnavailable, UserErased
from library_domain.shared.ids import UserId

USERS = sorted(user_id(name) for name in ("alice", "bob", "carol"))
FIRST, SECOND, THIRD = USERS
MINUTE = timedelta(minutes=1)


class House(FakeUnitOfWork):
    """The fake, in which a user's data may be out of reach."""

    def __init__(self, store: Store, *, clock: FakeClock) -> None:
        super().__init__(store, clock=clock, ids=SequentialIds())
        self.busy: set[UserId] = set()
        self.refusals: dict[UserId, Exception] = {}

    @asynccontextmanager
    async def begin_if_free(self, user_id: UserId) -> AsyncIterator[FakeTransaction | None]:
        if user_id in self.refusals:
            raise self.refusals[user_id]
        if user_id in self.busy:
            yield None
            return
        async with super().begin_if_free(user_id) as transaction:
            yield transaction


@pytest.fixture
def store() -> Store:
    game = a_game("Portal 2")
    return Store(games={game.game_id: game})


@pytest.fixture
def house(store: Store, clock: FakeClock) -> House:
    return House(store, clock=clock)


@pytest.fixture
def sweep(store: Store, house: House, clock: FakeClock) -> SweepSessionsHandler:
    return SweepSessionsHandler(stale=FakeStaleSessions(store), uow=house, clock=clock)


async def begin(house: House, user: UserId) -> Session:
    session = a_session(user_id=user, owner_id=user)
    async with house.begin(user) as transaction:
        await transaction.sessions.open(session)
    return session


async def test_it_tells_why_each_was_over_and_for_how_long(
    sweep: SweepSessionsHandler, house: House, clock: FakeClock
) -> None:
    silent, away = await begin(house, FIRST), await begin(house, SECOND)
    for minute in range(1, 60):
        away.contact(NOON + minute * MINUTE, idle_seconds=minute * 60)
    async with house.begin() as transaction:
        await transaction.sessions.keep(away)
    clock.advance(61 * MINUTE)

    result = await sweep(SweepSessions(limit=10))

    assert result.ended == {EndReason.TIMEOUT: 1, EndReason.AFK: 1}
    assert list(result.lateness) == [61 * MINUTE - timedelta(seconds=181), MINUTE]
    assert (result.busy, list(result.failed), result.next_after) == (0, [], None)
    assert silent.user_id == FIRST


async def test_it_tells_where_to_go_on_when_its_batch_was_full(
    sweep: SweepSessionsHandler, house: House, clock: FakeClock
) -> None:
    sessions = [await begin(house, user) for user in USERS]
    clock.advance(10 * MINUTE)

    first = await sweep(SweepSessions(limit=2))
    rest = await sweep(SweepSessions(limit=2, after=first.next_after))

    assert first.next_after == FoundSession(user_id=SECOND, session_id=sessions[1].id)
    assert (sum(first.ended.values()), sum(rest.ended.values()), rest.next_after) == (2, 1, None)


async def test_it_does_not_wait_for_somebody_who_is_at_the_users_data(
    sweep: SweepSessionsHandler, house: House, store: Store, clock: FakeClock
) -> None:
    for user in USERS:
        await begin(house, user)
    clock.advance(10 * MINUTE)
    house.busy = {SECOND}

    result = await sweep(SweepSessions(limit=10))

    assert (sum(result.ended.values()), result.busy) == (2, 1)
    assert {user for user, _ in store.sessions} == {SECOND}


async def test_one_that_cannot_be_ended_is_told_and_holds_up_nobody(
    sweep: SweepSessionsHandler, house: House, clock: FakeClock
) -> None:
    sessions = [await begin(house, user) for user in USERS]
    clock.advance(10 * MINUTE)
    house.refusals = {FIRST: ValueError("no partition")}

    result = await sweep(SweepSessions(limit=10))

    ((found, error),) = result.failed
    assert found == FoundSession(user_id=FIRST, session_id=sessions[0].id)
    assert str(error) == "no partition"
    assert sum(result.ended.values()) == 2


async def test_those_of_a_user_who_was_just_erased_are_left_to_whoever_erases(
    sweep: SweepSessionsHandler, house: House, clock: FakeClock
) -> None:
    for user in USERS:
        await begin(house, user)
    clock.advance(10 * MINUTE)
    house.refusals = {THIRD: UserErased(user_id=THIRD)}

    result = await sweep(SweepSessions(limit=10))

    assert (sum(result.ended.values()), result.busy, list(result.failed)) == (2, 0, [])


async def test_one_whose_data_are_out_of_reach_holds_up_nobody(
    sweep: SweepSessionsHandler, house: House, clock: FakeClock
) -> None:
    sessions = [await begin(house, user) for user in USERS]
    clock.advance(10 * MINUTE)
    house.refusals = {FIRST: DependencyUnavailable("postgres")}

    result = await sweep(SweepSessions(limit=10))

    assert [found.session_id for found, _ in result.failed] == [sessions[0].id]
    assert sum(result.ended.values()) == 2


async def test_it_stops_when_the_database_is_away(store: Store, house: House, clock: FakeClock) -> None:
    class Lost(FakeStaleSessions):
        """Is there once."""

        async def find(
            self, *, now: datetime, after: FoundSession | None, before: UserId | None, limit: int
        ) -> Sequence[FoundSession]:
            if after is not None:
                raise DependencyUnavailable("postgres")
            return await super().find(now=now, after=after, before=before, limit=limit)

    for user in USERS:
        await begin(house, user)
    clock.advance(10 * MINUTE)
    house.refusals = {SECOND: DependencyUnavailable("postgres")}

    with pytest.raises(DependencyUnavailable):
        await SweepSessionsHandler(stale=Lost(store), uow=house, clock=clock)(SweepSessions(limit=10))

    assert {user for user, _ in store.sessions} == {SECOND, THIRD}


async def test_one_that_came_to_life_since_it_was_found_goes_on(
    store: Store, house: House, clock: FakeClock
) -> None:
    class Hasty(FakeStaleSessions):
        """Finds what lives, as a walk without locks may."""

        async def find(self, **_: object) -> list[FoundSession]:
            return [
                FoundSession(user_id=each.user_id, session_id=each.id)
                for each in self._store.sessions.values()
            ]

    session = await begin(house, FIRST)
    clock.advance(MINUTE)

    result = await SweepSessionsHandler(stale=Hasty(store), uow=house, clock=clock)(SweepSessions(limit=10))

    assert (dict(result.ended), result.busy) == ({}, 0)
    assert set(store.sessions) == {(FIRST, session.id)}
