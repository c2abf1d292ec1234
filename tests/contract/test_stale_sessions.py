"""Sessions that are over without an end are found, none is left out, and what lives is left alone (data 6, 8 and 27)."""

from datetime import datetime, timedelta
from itertools import count

import pytest
from builders import NOON, game_id, user_id
from contract.libraries import ALICE
from contract.played import begin, own
from contract.worlds import World
from fakes.clock import FakeClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.playtime.model import EndReason, Session, SessionStatus
from library_domain.playtime.ports import FoundSession, RunningSessions
from library_domain.playtime.use_cases.sweep_sessions import SweepSessions, SweepSessionsHandler
from library_domain.shared.errors import UserErased
from library_domain.shared.ids import UserId

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
GAMES = ("Portal 2", "Doom", "Quake")
BOB = user_id("bob")
_numbers = count(1)


@pytest.fixture(autouse=True)
async def library(world: World, add: AddToLibraryHandler) -> None:
    """Give Alice and Bob the games."""
    await own(world, add, *GAMES)
    await own(world, add, *GAMES, by="bob")


async def begin_all(world: World, at: datetime = NOON) -> list[FoundSession]:
    """Begin every game of both, in the order of their keys."""
    sessions = [
        await begin(world, at, user_id=user, owner_id=user, game_id=game_id(game))
        for user in (ALICE, BOB)
        for game in GAMES
    ]
    return sorted(map(key_of, sessions), key=lambda key: (key.user_id, key.session_id))


def key_of(session: Session) -> FoundSession:
    return FoundSession(user_id=session.user_id, session_id=session.id)


async def find(
    world: World,
    now: datetime,
    *,
    after: FoundSession | None = None,
    before: UserId | None = None,
    limit: int = 100,
) -> list[FoundSession]:
    return list(await world.stale.find(now=now, after=after, before=before, limit=limit))


@pytest.mark.parametrize(
    ("silence", "is_found"), [(180 * SECOND, False), (180.9 * SECOND, False), (181 * SECOND, True)]
)
async def test_what_is_silent_for_too_long_is_found(
    world: World, silence: timedelta, *, is_found: bool
) -> None:
    session = await begin(world)

    assert await find(world, NOON + silence) == ([key_of(session)] if is_found else [])


async def test_they_come_in_the_order_of_their_keys_part_by_part(world: World) -> None:
    keys = await begin_all(world)
    late = NOON + HOUR

    assert await find(world, late) == keys
    assert await find(world, late, limit=4) == keys[:4]
    assert await find(world, late, after=keys[3], limit=4) == keys[4:]
    assert await find(world, late, after=keys[-1]) == []


async def test_a_part_ends_before_a_user(world: World) -> None:
    keys = await begin_all(world)
    late, first, second = NOON + HOUR, *sorted((ALICE, BOB))

    assert await find(world, late, before=second) == keys[:3]
    assert await find(world, late, after=keys[0], before=second) == keys[1:3]
    assert await find(world, late, before=first) == []


async def test_those_of_an_erased_user_are_left_to_whoever_erases(world: World) -> None:
    keys = await begin_all(world)
    await world.erase(ALICE, NOON)

    assert await find(world, NOON + HOUR) == [key for key in keys if key.user_id == BOB]


async def test_a_user_is_swept_unless_somebody_is_at_their_data(world: World, clock: FakeClock) -> None:
    await begin_all(world)
    clock.advance(HOUR)
    sweep = SweepSessionsHandler(stale=world.stale, uow=world.uow, clock=clock)

    swept = await sweep(SweepSessions(limit=100))
    again = await sweep(SweepSessions(limit=100))

    assert (sum(swept.ended.values()), swept.busy, swept.next_after) == (6, 0, None)
    assert sum(again.ended.values()) == 0
    assert await world.copies() == {}


async def test_the_mutex_of_a_user_that_nobody_knows_is_not_to_be_had(world: World) -> None:
    async with world.uow.begin_if_free(user_id("nobody")) as tx:
        assert tx is None


async def test_the_mutex_of_an_erased_user_is_not_to_be_had(world: World) -> None:
    await world.erase(user_id("carol"), NOON)

    with pytest.raises(UserErased):
        async with world.uow.begin_if_free(user_id("carol")):
            pass


async def test_they_are_counted_by_what_their_last_contact_left(world: World) -> None:
    active, away, silent = [await begin(world, game_id=game_id(game)) for game in GAMES]
    for minute in range(3, 31, 3):
        for session in (active, away):
            idle = 180 * minute if session is away else 0
            session.contact(NOON + minute * MINUTE, idle_seconds=idle)
    async with world.uow.begin() as tx:
        for session in (active, away):
            await tx.sessions.keep(session)

    assert (active.status, away.status) == (SessionStatus.ACTIVE, SessionStatus.AFK)
    assert await world.stale.count(now=NOON + 30 * MINUTE) == RunningSessions(active=1, afk=1, over=1)
    assert await find(world, NOON + 30 * MINUTE) == [key_of(silent)]


CONTACTS = st.lists(
    st.tuples(st.integers(1, 180), st.one_of(st.just(0), st.integers(1, 4_000)), st.integers(0, 180)),
    max_size=30,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contacts=CONTACTS, later=st.integers(0, 4_000))
async def test_the_database_tells_what_the_session_tells(
    world: World, contacts: list[tuple[int, int, int]], later: int
) -> None:
    start = NOON - 20 * HOUR + next(_numbers) * HOUR / 10
    session = await begin(world, start)
    now = start
    for gap, idle, suspended in contacts:
        if session.over(now + gap * SECOND) is None:
            now += gap * SECOND
            session.contact(now, idle_seconds=idle, suspended_seconds=suspended)
    async with world.uow.begin() as tx:
        await tx.sessions.keep(session)
    now += later * SECOND

    over = session.over(now) is not None
    assert await find(world, now) == ([key_of(session)] if over else [])
    is_afk = session.status is SessionStatus.AFK
    assert await world.stale.count(now=now) == RunningSessions(
        active=int(not over and not is_afk), afk=int(not over and is_afk), over=int(over)
    )
    async with world.uow.begin(ALICE) as tx:
        assert await tx.sessions.running(ALICE, session.id) == session
        record = await tx.sessions.close(session.end(now, EndReason.CLIENT))
        assert await tx.sessions.ended(ALICE, session.id) == record
