"""What the repository of subscriptions promises, and what is found of the rights that they gave."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from builders import NOON, a_purchase, a_subscription, game_id, user_id
from contract.libraries import ALICE
from contract.worlds import World
from fakes.clock import FakeClock, SequentialIds
from rights import Player

from library_domain.library.events import SubscriptionChanged
from library_domain.library.model import (
    AcquisitionType,
    HeldRight,
    Subscription,
    SubscriptionStatus,
    source_of_subscription,
)
from library_domain.library.use_cases.apply_subscription import (
    BATCH,
    ApplySubscription,
    ApplySubscriptionHandler,
)
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.money import Money

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PORTAL, RANGERS = game_id("Portal 2"), game_id("Rangers")
TOLD = Subscription(
    user_id=ALICE,
    subscription_id="s-1",
    status=SubscriptionStatus.ACTIVE,
    games=frozenset({PORTAL}),
    expires_at=NOON + DAY,
    event_time=NOON,
    event_id=UUID(int=1),
    first_named={PORTAL: NOON, RANGERS: NOON - DAY},
)


async def keep(world: World, subscription: Subscription) -> None:
    async with world.uow.begin(subscription.user_id) as tx:
        await tx.subscriptions.save(subscription)
        tx.record(
            SubscriptionChanged(
                user_id=subscription.user_id,
                game_id=None,
                occurred_at=NOON,
                subscription_id=subscription.subscription_id,
                status=subscription.status,
                games=len(subscription.games),
                expires_at=subscription.expires_at,
            )
        )


async def known(world: World, user: UserId = ALICE, subscription: str = "s-1") -> Subscription | None:
    async with world.uow.begin(user) as tx:
        return await tx.subscriptions.of(user, subscription)


async def held(world: World, subscription: str = "s-1") -> dict[GameId, HeldRight]:
    async with world.uow.begin(ALICE) as tx:
        return await tx.library.held_from(ALICE, source_of_subscription(subscription))


class TestSubscriptions:
    async def test_are_none_before_anything_was_told(self, world: World) -> None:
        assert await known(world) is None

    async def test_come_back_as_they_were_saved(self, world: World) -> None:
        await keep(world, TOLD)

        assert await known(world) == TOLD

    @pytest.mark.parametrize("games", [frozenset(), frozenset({PORTAL, RANGERS})])
    async def test_are_replaced(self, world: World, games: frozenset[GameId]) -> None:
        await keep(world, TOLD)
        newer = replace(TOLD, games=games, status=SubscriptionStatus.EXPIRED, event_time=NOON + HOUR)

        await keep(world, newer)

        assert await known(world) == newer

    async def test_are_one_users_each(self, world: World) -> None:
        await keep(world, TOLD)

        assert await known(world, user_id("bob")) is None
        assert await known(world, subscription="s-2") is None

    async def test_need_the_mutex(self, world: World) -> None:
        with pytest.raises(RuntimeError, match="mutex"):
            async with world.uow.begin() as tx:
                await tx.subscriptions.save(TOLD)


class TestHeldRights:
    async def test_are_those_of_the_subscription_alone(self, world: World) -> None:
        player = Player(world, ALICE)
        await player.deliver(a_purchase("Portal 2"))
        await player.deliver(a_subscription("Portal 2", "Rangers", expires_at=NOON + DAY))
        await player.deliver(a_subscription("Portal 2", subscription_id="s-2"))
        await player.work()

        assert await held(world) == {
            PORTAL: HeldRight(granted_at=NOON, expires_at=NOON + DAY, shown_until=None),
            RANGERS: HeldRight(granted_at=NOON, expires_at=NOON + DAY, shown_until=NOON + DAY),
        }
        assert (await held(world, "s-2")).keys() == {PORTAL}
        assert await held(world, "s-3") == {}

    @pytest.mark.parametrize("price", [None, Money(Decimal(5), "RUB")])
    async def test_are_not_those_of_a_transaction_that_is_numbered_alike(
        self, world: World, price: Money | None
    ) -> None:
        player = Player(world, ALICE)
        bought = a_purchase("Portal 2", transaction_id="s-1", acquisition_type=AcquisitionType.SUBSCRIPTION)
        await player.deliver(replace(bought, price=price))
        await player.deliver(a_subscription("Rangers"))
        await player.work()
        assert (await held(world)).keys() == {RANGERS}

        await player.deliver(a_subscription("Portal 2", event_time=NOON + HOUR, expires_at=NOON + DAY))
        await player.work()

        assert (await held(world))[PORTAL].expires_at == NOON + DAY
        async with world.uow.begin(ALICE) as tx:
            entry = (await tx.library.entries(ALICE, (PORTAL,)))[PORTAL]
        assert {(grant.transaction_id, grant.price, grant.expires_at) for grant in entry.grants} == {
            ("s-1", price, None),
            (None, None, NOON + DAY),
        }

    async def test_stay_when_they_have_ended(self, world: World) -> None:
        player = Player(world, ALICE)
        await player.deliver(a_subscription("Portal 2"))
        await player.work()
        await player.deliver(a_subscription(event_time=NOON + HOUR))
        await player.work()

        assert await held(world) == {PORTAL: HeldRight(granted_at=NOON, expires_at=NOON, shown_until=None)}


class TestOutdatedEntries:
    async def test_take_a_revision_also_when_the_next_right_looks_the_same(self, world: World) -> None:
        """An entry of a revision that its user has not reached would be a false one to whoever compares the two."""
        player = Player(world, ALICE)
        for name, ends in (("s-1", HOUR), ("s-2", DAY)):
            await player.deliver(a_subscription("Portal 2", subscription_id=name, expires_at=NOON + ends))
        await player.work()
        before, _, published = await player.traces()

        player.clock.advance(HOUR)
        await player.sweep()

        assert await world.outdated.find(now=NOON + HOUR, limit=10) == {}
        revision, _, now_published = await player.traces()
        assert (revision, now_published) == (before + 1, published)
        assert (await world.audit())[-1]["action"] == "succeed_right"

    async def test_are_found_once_their_time_has_come(self, world: World) -> None:
        for name, hours in (("alice", 2), ("bob", 1)):
            player = Player(world, user_id(name))
            await player.deliver(
                a_subscription("Portal 2", "Rangers", by=name, expires_at=NOON + hours * HOUR)
            )
            await player.work()

        async def found(hours: int, limit: int = 10) -> dict[UserId, set[GameId]]:
            outdated = await world.outdated.find(now=NOON + hours * HOUR, limit=limit)
            return {user: set(games) for user, games in outdated.items()}

        assert await found(0) == {}
        assert await found(1) == {user_id("bob"): {PORTAL, RANGERS}}
        assert await found(2) == {user_id("bob"): {PORTAL, RANGERS}, ALICE: {PORTAL, RANGERS}}
        assert await found(2, limit=2) == {user_id("bob"): {PORTAL, RANGERS}}

    async def test_are_none_once_they_were_brought_up_to_date(self, world: World) -> None:
        player = Player(world, ALICE)
        await player.deliver(a_subscription("Portal 2", expires_at=NOON + HOUR))
        await player.work()
        before = await world.reader.version(ALICE, now=NOON)
        player.clock.advance(HOUR)
        await player.sweep()

        assert await world.outdated.find(now=NOON + DAY, limit=10) == {}
        assert (await world.reader.version(ALICE, now=NOON)).revision == before.revision + 1


async def test_a_large_subscription_is_applied_in_batches_and_ends_whole(
    world: World, clock: FakeClock, ids: SequentialIds
) -> None:
    games = [f"game {number}" for number in range(2 * BATCH + 1)]
    player = Player(world, ALICE)
    apply = ApplySubscriptionHandler(uow=world.uow, clock=clock, ids=ids)
    await player.deliver(a_subscription(*games))

    steps = [await apply(ApplySubscription(user_id=ALICE, subscription_id="s-1")) for _ in range(3)]

    assert [step.done for step in steps] == [False, False, True]
    assert (await held(world)).keys() == set(map(game_id, games))
    assert await world.revision(ALICE) == 4
