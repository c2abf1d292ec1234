"""May this user play this game now?"""

from datetime import timedelta

from builders import a_grant, game_id, user_id
from fakes.clock import FakeClock
from fakes.library_reader import FakeLibraryReader
from fakes.store import Store
from unit.domain.library.use_cases.conftest import Own

from library_domain.library.model import AccessVerdict, AcquisitionType, Refusal, Via
from library_domain.library.use_cases.check_game_access import CheckGameAccess, CheckGameAccessHandler

ALICE = user_id("alice")


def about(game: str) -> CheckGameAccess:
    return CheckGameAccess(user_id=ALICE, game_id=game_id(game))


async def test_an_owned_game_may_be_played(reader: FakeLibraryReader, clock: FakeClock, own: Own) -> None:
    await own("Portal 2")

    verdict = await CheckGameAccessHandler(reader=reader, clock=clock)(about("Portal 2"))

    assert verdict == AccessVerdict(allowed=True, via=Via.OWNED)


async def test_what_nobody_knows_is_refused_not_an_error(reader: FakeLibraryReader, clock: FakeClock) -> None:
    verdict = await CheckGameAccessHandler(reader=reader, clock=clock)(about("nobody knows it"))

    assert verdict == AccessVerdict(allowed=False, reason=Refusal.NOT_OWNED)


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

    assert before == AccessVerdict(allowed=True, via=Via.SUBSCRIPTION, expires_at=end)
    assert after == AccessVerdict(allowed=False, reason=Refusal.EXPIRED)
