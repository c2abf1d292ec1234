"""May this user play this game now?"""

from datetime import timedelta

import pytest
from builders import a_grant, game_id, session_id, user_id
from fakes.clock import FakeClock
from fakes.library_reader import FakeLibraryReader
from fakes.store import Lease, Store
from unit.domain.library.use_cases.conftest import Own

from library_domain.library.model import Access, AcquisitionType, CopyUse, Refusal, Via
from library_domain.library.use_cases.batch_check_game_access import (
    BatchCheckGameAccess,
    BatchCheckGameAccessHandler,
)
from library_domain.library.use_cases.check_game_access import CheckGameAccess, CheckGameAccessHandler

ALICE, BOB = user_id("alice"), user_id("bob")


def about(game: str) -> CheckGameAccess:
    return CheckGameAccess(user_id=ALICE, game_id=game_id(game))


async def test_an_owned_game_may_be_played(reader: FakeLibraryReader, clock: FakeClock, own: Own) -> None:
    await own("Portal 2")

    verdict = await CheckGameAccessHandler(reader=reader, clock=clock)(about("Portal 2"))

    assert verdict == Access(allowed=True, via=Via.OWNED)


async def test_what_nobody_knows_is_refused_not_an_error(reader: FakeLibraryReader, clock: FakeClock) -> None:
    verdict = await CheckGameAccessHandler(reader=reader, clock=clock)(about("nobody knows it"))

    assert verdict == Access(allowed=False, reason=Refusal.NOT_OWNED)


async def test_a_dlc_needs_its_base_game(reader: FakeLibraryReader, clock: FakeClock, own: Own) -> None:
    check = CheckGameAccessHandler(reader=reader, clock=clock)
    await own("Art book")

    alone = await check(about("Art book"))
    await own("Portal 2")
    together = await check(about("Art book"))

    assert (alone.allowed, alone.reason) == (False, Refusal.BASE_GAME_MISSING)
    assert together.allowed


async def test_the_same_question_is_decided_anew_as_time_passes(
    reader: FakeLibraryReader, store: Store, clock: FakeClock, own: Own
) -> None:
    check = CheckGameAccessHandler(reader=reader, clock=clock)
    await own("Portal 2")
    end = clock.now() + timedelta(hours=1)
    store.entries[ALICE, game_id("Portal 2")].grants[:] = [
        a_grant(AcquisitionType.SUBSCRIPTION, expires_at=end)
    ]

    before = await check(about("Portal 2"))
    clock.advance(timedelta(hours=1))
    after = await check(about("Portal 2"))

    assert before == Access(allowed=True, via=Via.SUBSCRIPTION, expires_at=end)
    assert after == Access(allowed=False, reason=Refusal.EXPIRED)


def lend(store: Store, clock: FakeClock, game: str = "Portal 2", *, to: str | None = None) -> None:
    """Let Alice have Bob's copy, which `to` plays."""
    store.entries[ALICE, game_id(game)].grants[:] = [a_grant(AcquisitionType.FAMILY, source_id=str(BOB))]
    if to is not None:
        store.leases[BOB, game_id(game)] = Lease(session_id("lent"), user_id(to), clock.now())


@pytest.mark.parametrize("player", ["bob", "carol"])
async def test_a_borrowed_copy_that_somebody_plays_may_not_be_played(
    reader: FakeLibraryReader, store: Store, clock: FakeClock, own: Own, player: str
) -> None:
    await own("Portal 2")
    lend(store, clock, to=player)
    use = CopyUse(user_id=user_id(player), since=clock.now())

    verdict = await CheckGameAccessHandler(reader=reader, clock=clock)(about("Portal 2"))

    assert verdict == Access(allowed=False, reason=Refusal.COPY_IN_USE, owner_id=BOB, in_use_by=use)


@pytest.mark.parametrize("player", [None, "alice"])
async def test_a_borrowed_copy_may_be_played_when_nobody_else_plays_it(
    reader: FakeLibraryReader, store: Store, clock: FakeClock, own: Own, player: str | None
) -> None:
    await own("Portal 2")
    lend(store, clock, to=player)

    verdict = await CheckGameAccessHandler(reader=reader, clock=clock)(about("Portal 2"))

    assert verdict == Access(allowed=True, via=Via.FAMILY, owner_id=BOB)


async def test_ones_own_copy_may_be_played_whoever_plays_it(
    reader: FakeLibraryReader, store: Store, clock: FakeClock, own: Own
) -> None:
    await own("Portal 2")
    check = CheckGameAccessHandler(reader=reader, clock=clock)
    key = ALICE, game_id("Portal 2")

    store.leases[key] = Lease(session_id("own"), ALICE, clock.now())
    mine = await check(about("Portal 2"))
    store.leases[key] = Lease(session_id("lent"), BOB, clock.now())
    lent = await check(about("Portal 2"))

    use = CopyUse(user_id=BOB, since=clock.now())
    assert mine == Access(allowed=True, via=Via.OWNED)
    assert lent == Access(allowed=True, via=Via.OWNED, in_use_by=use)


async def test_of_several_games_each_is_told_of_its_own_copy(
    reader: FakeLibraryReader, store: Store, clock: FakeClock, own: Own
) -> None:
    for name in ("Portal 2", "Ёж", "Rangers"):
        await own(name)
    lend(store, clock, to="carol")
    lend(store, clock, "Ёж")
    store.leases[ALICE, game_id("Rangers")] = Lease(session_id("own"), BOB, clock.now())
    check = CheckGameAccessHandler(reader=reader, clock=clock)
    names = ("Rangers", "Ёж", "nobody knows it", "Portal 2")

    together = await BatchCheckGameAccessHandler(reader=reader, clock=clock)(
        BatchCheckGameAccess(user_id=ALICE, game_ids=[game_id(name) for name in names])
    )

    assert together == [await check(about(name)) for name in names]
    assert [verdict.in_use_by and verdict.in_use_by.user_id for verdict in together] == [
        BOB,
        None,
        None,
        user_id("carol"),
    ]
