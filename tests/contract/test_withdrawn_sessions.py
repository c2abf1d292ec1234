"""What is played when the last right to it ends, ends too; what another right stands behind goes on (details 3.8)."""

from datetime import timedelta

import pytest
from builders import NOON, a_purchase, a_refund, a_subscription
from contract.libraries import ALICE
from contract.played import DOOM, PORTAL, begin, found, keep_up, own
from contract.worlds import World
from fakes.clock import FakeClock, SequentialIds

from library_domain.catalog.model import Platform
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.flows.end_withdrawn_sessions import EndWithdrawnSessions, EndWithdrawnSessionsHandler
from library_domain.flows.start_session import StartSession, StartSessionHandler
from library_domain.library.errors import AccessDenied
from library_domain.library.ports import END_WITHDRAWN
from library_domain.library.use_cases.apply_subscription import ApplySubscription, ApplySubscriptionHandler
from library_domain.library.use_cases.change_subscription import ChangeSubscriptionHandler
from library_domain.library.use_cases.refund_purchase import RefundPurchaseHandler
from library_domain.shared.errors import UserErased
from library_domain.shared.ids import GameId

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Alice:
    """She has Portal 2, bought by `t-1`, and Doom; what happens to her rights, and the job."""

    def __init__(self, world: World, clock: FakeClock, ids: SequentialIds) -> None:
        self.world, self.clock = world, clock
        self.start = StartSessionHandler(uow=world.uow, clock=clock, ids=ids)
        self._refund = RefundPurchaseHandler(uow=world.uow, clock=clock)
        self._end = EndWithdrawnSessionsHandler(uow=world.uow, clock=clock)

    async def loses(self, transaction_id: str = "t-1") -> None:
        await self._refund(a_refund(transaction_id, event_time=self.clock.now()))

    async def job(self) -> tuple[GameId, ...]:
        """Work the job; return the games whose sessions it ended."""
        return (await self._end(EndWithdrawnSessions(user_id=ALICE))).ended

    async def told(self) -> list[tuple[str, object]]:
        """Return what was published of the ends of sessions, with their reasons."""
        return [
            (row["type"], row["event"]["data"].get("reason"))
            for row in await self.world.outbox()
            if row["type"] in ("library.session.ended", "library.playtime.updated")
        ]


@pytest.fixture
async def alice(world: World, clock: FakeClock, ids: SequentialIds, add: AddToLibraryHandler) -> Alice:
    await own(world, add, "Doom")
    await add(a_purchase("Portal 2", transaction_id="t-1"))
    return Alice(world, clock, ids)


async def test_a_refund_ends_it_at_once_and_what_was_played_counts(alice: Alice, clock: FakeClock) -> None:
    session = await begin(alice.world)
    await keep_up(alice.world, session, NOON + HOUR)
    clock.advance(HOUR + MINUTE)
    await alice.loses()
    assert (END_WITHDRAWN, str(ALICE)) in await alice.world.jobs()

    assert await alice.job() == (PORTAL,)

    end = NOON + HOUR + MINUTE
    assert await found(alice.world, session) is None
    assert await alice.world.copies() == {}
    assert await alice.world.activity(ALICE, PORTAL) == (3_660, end)
    assert await alice.world.days(ALICE) == {(NOON.date(), PORTAL): (3_660, 1, 3_660, end)}
    assert await alice.told() == [
        ("library.session.ended", "access_revoked"),
        ("library.playtime.updated", None),
    ]
    with pytest.raises(AccessDenied) as refused:
        await alice.start(
            StartSession(user_id=ALICE, game_id=PORTAL, device_id="desktop", platform=Platform.LINUX)
        )
    assert refused.value.details == {"game_id": PORTAL, "reason": "revoked"}


async def test_other_games_go_on(alice: Alice) -> None:
    await begin(alice.world)
    other = await begin(alice.world, game_id=DOOM)
    await alice.loses()

    assert await alice.job() == (PORTAL,)

    assert await found(alice.world, other) == other


async def test_what_was_bought_again_meanwhile_goes_on(alice: Alice, add: AddToLibraryHandler) -> None:
    session = await begin(alice.world)
    await alice.loses()
    await add(a_purchase("Portal 2", transaction_id="t-2"))

    assert await alice.job() == ()

    assert await found(alice.world, session) == session


async def test_what_had_ended_by_its_own_rules_ended_so(alice: Alice, clock: FakeClock) -> None:
    session = await begin(alice.world)
    await keep_up(alice.world, session, NOON + HOUR)
    clock.advance(2 * HOUR)
    await alice.loses()

    assert await alice.job() == (PORTAL,)

    assert (await alice.told())[0] == ("library.session.ended", "timeout")
    assert await alice.world.activity(ALICE, PORTAL) == (3_600, NOON + HOUR)


async def test_what_ran_out_ends_before_anybody_has_noticed(
    alice: Alice, clock: FakeClock, ids: SequentialIds
) -> None:
    # The right is looked at by the time, not by what the entry shows.
    change = ChangeSubscriptionHandler(uow=alice.world.uow, clock=clock)
    await change(a_subscription("Portal 2", expires_at=NOON + HOUR))
    apply = ApplySubscriptionHandler(uow=alice.world.uow, clock=clock, ids=ids)
    await apply(ApplySubscription(user_id=ALICE, subscription_id="s-1"))
    await alice.loses()
    session = await begin(alice.world)
    await keep_up(alice.world, session, NOON + HOUR - MINUTE)
    clock.advance(HOUR - MINUTE)
    assert await alice.job() == ()
    clock.advance(MINUTE)

    assert await alice.job() == (PORTAL,)

    assert await alice.world.activity(ALICE, PORTAL) == (3_600, NOON + HOUR)


async def test_twice_is_once(alice: Alice) -> None:
    await begin(alice.world)
    await alice.loses()
    await alice.job()
    before = await alice.world.revision(ALICE)

    assert await alice.job() == ()

    assert await alice.world.revision(ALICE) == before
    assert len(await alice.told()) == 2


async def test_of_somebody_who_plays_nothing_nothing_is_written(alice: Alice) -> None:
    await alice.loses()
    before = await alice.world.revision(ALICE)

    assert await alice.job() == ()

    assert await alice.world.revision(ALICE) == before


async def test_of_an_erased_user_nothing_is_written(alice: Alice) -> None:
    await begin(alice.world)
    await alice.world.erase(ALICE, NOON)

    with pytest.raises(UserErased):
        await alice.job()
