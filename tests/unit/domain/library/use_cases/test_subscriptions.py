"""A subscription's state is stored at once and its rights follow in batches (contract 4.1, data 20)."""

from datetime import timedelta

import pytest
from builders import NOON, a_purchase, a_subscription, game_id, user_id
from contract.worlds import MemoryWorld
from fakes.clock import FakeClock, SequentialIds
from rights import CATALOG, NAMELESS, PORTAL, RANGERS, Player

from library_domain.catalog.ports import FETCH_METADATA
from library_domain.library.model import AcquisitionType, SubscriptionStatus
from library_domain.library.use_cases.apply_subscription import (
    ApplySubscription,
    ApplySubscriptionHandler,
    ApplySubscriptionResult,
)
from library_domain.library.use_cases.change_subscription import APPLY_SUBSCRIPTION, ChangeSubscriptionHandler

ALICE = user_id("alice")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
IN_A_MONTH = NOON + 30 * DAY
APPLY = ApplySubscription(user_id=ALICE, subscription_id="s-1")


@pytest.fixture
def world(clock: FakeClock, ids: SequentialIds) -> MemoryWorld:
    world = MemoryWorld(clock=clock, ids=ids)
    world.store.games.update({game.game_id: game for game in CATALOG})
    return world


@pytest.fixture
def change(world: MemoryWorld, clock: FakeClock) -> ChangeSubscriptionHandler:
    return ChangeSubscriptionHandler(uow=world.uow, clock=clock)


@pytest.fixture
def apply(world: MemoryWorld, clock: FakeClock, ids: SequentialIds) -> ApplySubscriptionHandler:
    return ApplySubscriptionHandler(uow=world.uow, clock=clock, ids=ids)


def published(world: MemoryWorld) -> list[str]:
    return [message.event_type.removeprefix("library.game.") for message in world.store.outbox]


def audited(world: MemoryWorld) -> list[str]:
    return [row["action"] for row in world.store.audit]


class TestChange:
    async def test_stores_the_state_and_asks_for_the_job(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler
    ) -> None:
        result = await change(a_subscription("Portal 2"))

        assert result.stored
        assert world.store.subscriptions[ALICE, "s-1"].games == {PORTAL}
        assert set(world.store.jobs) == {(APPLY_SUBSCRIPTION, f"{ALICE}:s-1")}
        assert audited(world) == ["change_subscription"]
        assert world.store.entries == {}

    async def test_does_nothing_the_second_time(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler
    ) -> None:
        told = a_subscription("Portal 2")
        await change(told)
        world.store.jobs.clear()

        result = await change(told)

        assert not result.stored
        assert (world.store.jobs, len(audited(world))) == ({}, 1)

    async def test_keeps_the_newer_state(self, world: MemoryWorld, change: ChangeSubscriptionHandler) -> None:
        await change(a_subscription("Portal 2"))

        await change(a_subscription("Rangers", event_time=NOON - HOUR))

        assert world.store.subscriptions[ALICE, "s-1"].games == {PORTAL}

    async def test_keeps_apart_what_users_and_subscriptions_say(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler
    ) -> None:
        await change(a_subscription("Portal 2"))
        await change(a_subscription("Rangers", subscription_id="s-2"))
        await change(a_subscription("Rangers", by="bob"))

        assert len(world.store.subscriptions) == len(world.store.jobs) == 3


class TestApply:
    async def test_gives_what_the_subscription_names(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler, apply: ApplySubscriptionHandler
    ) -> None:
        await change(a_subscription("Portal 2", "Rangers"))

        result = await apply(APPLY)

        assert result == ApplySubscriptionResult(done=True, again_at=IN_A_MONTH)
        for game in (PORTAL, RANGERS):
            entry = world.store.entries[ALICE, game]
            assert (entry.acquisition_type, entry.access_expires_at) == (
                AcquisitionType.SUBSCRIPTION,
                IN_A_MONTH,
            )
            assert entry.acquisition_date == NOON
        assert published(world) == ["added", "added"]

    async def test_goes_on_where_it_stopped(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler, apply: ApplySubscriptionHandler
    ) -> None:
        games = [f"game {number}" for number in range(5)]
        await change(a_subscription(*games))

        steps = [
            await apply(ApplySubscription(user_id=ALICE, subscription_id="s-1", limit=2)) for _ in range(3)
        ]

        assert [step.done for step in steps] == [False, False, True]
        assert [step.again_at for step in steps] == [None, None, IN_A_MONTH]
        assert {game for _, game in world.store.entries} == set(map(game_id, games))

    async def test_takes_up_a_change_in_the_middle(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler, apply: ApplySubscriptionHandler
    ) -> None:
        one = ApplySubscription(user_id=ALICE, subscription_id="s-1", limit=1)
        await change(a_subscription("Portal 2", "Rangers"))
        await apply(one)
        (first,) = (game for _, game in world.store.entries)

        await change(a_subscription("nobody knows it", event_time=NOON + HOUR, expires_at=IN_A_MONTH + DAY))
        while not (await apply(one)).done:
            pass

        live = {game for (_, game), entry in world.store.entries.items() if entry.shows_access}
        assert (live, {game for _, game in world.store.entries}) == ({NAMELESS}, {NAMELESS, first})

    async def test_asks_for_the_names_of_games_that_nobody_knows(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler, apply: ApplySubscriptionHandler
    ) -> None:
        await change(a_subscription("Portal 2", "nobody knows it"))

        await apply(APPLY)

        assert (FETCH_METADATA, str(NAMELESS)) in world.store.jobs
        assert (FETCH_METADATA, str(PORTAL)) not in world.store.jobs

    async def test_prolongs_without_a_word(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler, apply: ApplySubscriptionHandler
    ) -> None:
        await change(a_subscription("Portal 2"))
        await apply(APPLY)

        await change(a_subscription("Portal 2", event_time=NOON + HOUR, expires_at=IN_A_MONTH + DAY))
        result = await apply(APPLY)

        assert result.again_at == IN_A_MONTH + DAY
        assert world.store.entries[ALICE, PORTAL].access_expires_at == IN_A_MONTH + DAY
        assert published(world) == ["added"]
        assert audited(world)[-2:] == ["change_subscription", "apply_subscription"]

    async def test_changes_nothing_when_nothing_differs(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler, apply: ApplySubscriptionHandler
    ) -> None:
        await change(a_subscription("Portal 2"))
        await apply(APPLY)
        before = (await world.revision(ALICE), audited(world), published(world))

        assert (await apply(APPLY)).again_at == IN_A_MONTH

        assert (await world.revision(ALICE), audited(world), published(world)) == before

    async def test_of_what_was_never_told_is_done(self, apply: ApplySubscriptionHandler) -> None:
        assert await apply(APPLY) == ApplySubscriptionResult(done=True)

    async def test_leaves_what_is_owned_as_it_looks(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler, apply: ApplySubscriptionHandler
    ) -> None:
        await Player(world, ALICE).deliver(a_purchase("Portal 2"))
        await change(a_subscription("Portal 2"))

        await apply(APPLY)

        entry = world.store.entries[ALICE, PORTAL]
        assert (entry.acquisition_type, len(entry.grants)) == (AcquisitionType.PURCHASE, 2)
        assert (entry.access_expires_at, published(world)) == (None, ["added"])


class TestEnd:
    @pytest.mark.parametrize("status", [SubscriptionStatus.ACTIVE, SubscriptionStatus.CANCELLED])
    async def test_comes_when_it_runs_out_and_nobody_renewed_it(
        self,
        world: MemoryWorld,
        clock: FakeClock,
        change: ChangeSubscriptionHandler,
        apply: ApplySubscriptionHandler,
        status: SubscriptionStatus,
    ) -> None:
        await change(a_subscription("Portal 2", status=status))
        await apply(APPLY)
        clock.advance(IN_A_MONTH - clock.now())

        result = await apply(APPLY)

        assert result == ApplySubscriptionResult(done=True)
        entry = world.store.entries[ALICE, PORTAL]
        assert (entry.revoked_at, entry.revoke_reason) == (IN_A_MONTH, "expired")
        assert published(world) == ["added", "access_revoked"]

    async def test_comes_at_once_when_it_is_declared(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler, apply: ApplySubscriptionHandler
    ) -> None:
        await change(a_subscription("Portal 2", event_time=NOON - DAY))
        await apply(APPLY)

        await change(a_subscription("Portal 2", status=SubscriptionStatus.EXPIRED, event_time=NOON - HOUR))
        result = await apply(APPLY)

        assert result.again_at is None
        assert world.store.entries[ALICE, PORTAL].revoked_at == NOON - HOUR

    async def test_comes_for_a_game_that_left(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler, apply: ApplySubscriptionHandler
    ) -> None:
        await change(a_subscription("Portal 2", "Rangers", event_time=NOON - DAY))
        await apply(APPLY)

        await change(a_subscription("Rangers"))
        await apply(APPLY)

        assert not world.store.entries[ALICE, PORTAL].shows_access
        assert world.store.entries[ALICE, RANGERS].shows_access
        assert published(world) == ["added", "added", "access_revoked"]

    async def test_is_undone_by_a_newer_state_that_names_the_game_again(
        self, world: MemoryWorld, change: ChangeSubscriptionHandler, apply: ApplySubscriptionHandler
    ) -> None:
        for hours, games in ((-2, ["Portal 2"]), (-1, []), (0, ["Portal 2"])):
            await change(a_subscription(*games, event_time=NOON + hours * HOUR))
            await apply(APPLY)

        entry = world.store.entries[ALICE, PORTAL]
        assert (entry.shows_access, entry.acquisition_date) == (True, NOON - 2 * HOUR)
        assert published(world) == ["added", "access_revoked", "added"]

    async def test_leaves_the_game_to_another_subscription(
        self, world: MemoryWorld, clock: FakeClock, change: ChangeSubscriptionHandler
    ) -> None:
        alice = Player(world, ALICE)
        await alice.deliver(a_subscription("Portal 2", expires_at=NOON + HOUR))
        await alice.deliver(a_subscription("Portal 2", subscription_id="s-2", expires_at=NOON + DAY))
        await alice.work()

        alice.clock.advance(HOUR)
        await alice.work()
        still = (await alice.look())[PORTAL]
        alice.clock.advance(DAY)
        await alice.work()

        assert still
        assert not (await alice.look())[PORTAL]
        assert published(world) == ["added", "access_revoked"]
