"""A game without a name is asked after until it has one, even when its job was given up (details 3.11)."""

from builders import NOON, a_game, game_id
from fakes.clock import FakeClock, SequentialIds
from fakes.games import FakeForgottenStubs
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork

from library_domain.catalog.model import Game
from library_domain.catalog.ports import FETCH_METADATA
from library_domain.catalog.use_cases.remember_stubs import (
    RememberStubs,
    RememberStubsHandler,
    RememberStubsResult,
)


async def test_stubs_without_a_job_get_one(clock: FakeClock, ids: SequentialIds) -> None:
    stubs = [Game(game_id=game_id(name), event_at=NOON) for name in ("a", "b", "c")]
    store = Store(games={game.game_id: game for game in (*stubs, a_game("Portal 2"))})
    remember = RememberStubsHandler(
        stubs=FakeForgottenStubs(store), uow=FakeUnitOfWork(store, clock=clock, ids=ids)
    )

    results = [await remember(RememberStubs(limit=2)) for _ in range(3)]

    assert results == [
        RememberStubsResult(remembered=2, more=True),
        RememberStubsResult(remembered=1, more=False),
        RememberStubsResult(remembered=0, more=False),
    ]
    assert store.jobs.keys() == {(FETCH_METADATA, str(game.game_id)) for game in stubs}
