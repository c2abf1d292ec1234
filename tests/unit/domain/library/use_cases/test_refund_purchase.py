"""A refund takes back what its transaction gave, or will give (contract 4.1, details 3.1)."""

from datetime import timedelta

import msgspec
import pytest
from builders import NOON, a_purchase, a_refund, a_subscription, game_id, user_id
from contract.worlds import MemoryWorld
from fakes.clock import FakeClock, SequentialIds
from rights import ART_BOOK, CATALOG, PORTAL, Event, Player

from library_domain.library.model import AcquisitionType, LibraryEntry
from library_domain.library.use_cases.refund_purchase import RefundPurchaseHandler
from library_domain.shared.ids import GameId

ALICE = user_id("alice")
HOUR = timedelta(hours=1)


@pytest.fixture
def world(clock: FakeClock, ids: SequentialIds) -> MemoryWorld:
    world = MemoryWorld(clock=clock, ids=ids)
    world.store.games.update({game.game_id: game for game in CATALOG})
    return world


@pytest.fixture
def alice(world: MemoryWorld) -> Player:
    return Player(world, ALICE)


@pytest.fixture
def refund(world: MemoryWorld, clock: FakeClock) -> RefundPurchaseHandler:
    return RefundPurchaseHandler(uow=world.uow, clock=clock)


def entry(world: MemoryWorld, game: GameId = PORTAL) -> LibraryEntry:
    return world.store.entries[ALICE, game]


def published(world: MemoryWorld) -> list[str]:
    return [message.event_type for message in world.store.outbox]


def audited(world: MemoryWorld) -> list[str]:
    return [row["action"] for row in world.store.audit]


class TestAfterThePurchase:
    async def test_withdraws_all_that_the_transaction_gave(
        self, world: MemoryWorld, alice: Player, refund: RefundPurchaseHandler
    ) -> None:
        await alice.deliver(a_purchase("Portal 2", transaction_id="t-1", dlc=(ART_BOOK,)))

        result = await refund(a_refund("t-1"))

        assert set(result.withdrawn) == {PORTAL, ART_BOOK}
        assert (entry(world).revoked_at, entry(world).revoke_reason) == (NOON, "refunded")
        assert published(world)[1:] == ["library.game.access_revoked"] * 2
        assert sorted(audited(world)[2:]) == ["refund", "revoke_access", "revoke_access"]

    async def test_is_announced_with_what_was_lost_and_why(
        self, world: MemoryWorld, alice: Player, refund: RefundPurchaseHandler
    ) -> None:
        await alice.deliver(
            a_purchase("Portal 2", transaction_id="t-1", acquisition_type=AcquisitionType.GIFT)
        )

        await refund(a_refund("t-1"))

        assert msgspec.json.decode(world.store.outbox[-1].payload)["data"] == {
            "user_id": str(ALICE),
            "game_id": str(PORTAL),
            "game_name": "Portal 2",
            "reason": "refunded",
            "grant_kind": "gift",
        }

    async def test_keeps_what_it_does_not_name(self, alice: Player, refund: RefundPurchaseHandler) -> None:
        await alice.deliver(a_purchase("Portal 2", transaction_id="t-1", dlc=(ART_BOOK,)))

        result = await refund(a_refund("t-1", "Art book"))

        assert result.withdrawn == (ART_BOOK,)
        assert (await alice.look())[PORTAL]

    async def test_may_name_the_game_and_leave_its_dlc_without_a_base(
        self, alice: Player, refund: RefundPurchaseHandler
    ) -> None:
        await alice.deliver(a_purchase("Portal 2", transaction_id="t-1", dlc=(ART_BOOK,)))

        result = await refund(a_refund("t-1", game_id=PORTAL))

        assert result.withdrawn == (PORTAL,)
        assert not (await alice.look())[ART_BOOK]

    async def test_leaves_another_purchase_of_the_game(
        self, world: MemoryWorld, alice: Player, refund: RefundPurchaseHandler
    ) -> None:
        await alice.deliver(a_purchase("Portal 2", transaction_id="t-1"))
        await alice.deliver(a_purchase("Portal 2", transaction_id="t-2"))

        result = await refund(a_refund("t-1"))

        assert result.withdrawn == ()
        assert (await alice.look())[PORTAL]
        assert "library.game.access_revoked" not in published(world)

    async def test_shows_the_subscription_again_that_runs_beside_it(
        self, world: MemoryWorld, alice: Player, refund: RefundPurchaseHandler
    ) -> None:
        await alice.deliver(a_subscription("Portal 2"))
        await alice.work()
        await alice.deliver(a_purchase("Portal 2", transaction_id="t-1"))

        await refund(a_refund("t-1"))

        assert entry(world).acquisition_type is AcquisitionType.SUBSCRIPTION
        assert entry(world).access_expires_at == NOON + timedelta(days=30)
        assert (await alice.look())[PORTAL]
        assert published(world) == ["library.game.added", "library.game.updated", "library.game.updated"]

    async def test_does_nothing_the_second_time(
        self, world: MemoryWorld, alice: Player, refund: RefundPurchaseHandler
    ) -> None:
        await alice.deliver(a_purchase("Portal 2", transaction_id="t-1"))
        await refund(a_refund("t-1"))
        before = await alice.traces()

        result = await refund(a_refund("t-1", event_time=NOON + HOUR))

        assert result.withdrawn == ()
        assert await alice.traces() == before

    async def test_of_anothers_purchase_does_nothing_to_mine(
        self, alice: Player, refund: RefundPurchaseHandler
    ) -> None:
        await alice.deliver(a_purchase("Portal 2", transaction_id="t-1"))

        await refund(a_refund("t-1", by="bob"))

        assert (await alice.look())[PORTAL]


class TestBeforeThePurchase:
    async def test_is_remembered_and_audited(self, world: MemoryWorld, refund: RefundPurchaseHandler) -> None:
        result = await refund(a_refund("t-1"))

        assert result.withdrawn == ()
        assert (ALICE, "t-1") in world.store.refunds
        assert (audited(world), published(world)) == (["refund"], [])

    async def test_makes_the_purchase_void(
        self, world: MemoryWorld, alice: Player, refund: RefundPurchaseHandler
    ) -> None:
        await refund(a_refund("t-1"))

        await alice.deliver(a_purchase("Portal 2", transaction_id="t-1", dlc=(ART_BOOK,)))

        assert (entry(world).revoked_at, entry(world).revoke_reason) == (NOON, "refunded")
        assert published(world) == []
        assert not any((await alice.look()).values())

    async def test_ends_as_the_other_way_round(self, clock: FakeClock) -> None:
        ends = []
        purchase = a_purchase("Portal 2", transaction_id="t-1", dlc=(ART_BOOK,))
        refund = a_refund("t-1", "Art book")
        orders: list[list[Event]] = [[purchase, refund], [refund, purchase]]
        for order in orders:
            world = MemoryWorld(clock=clock, ids=SequentialIds())
            for event in order:
                await Player(world, ALICE).deliver(event)
            ends.append(
                {
                    game: (kept.acquisition_type, kept.revoked_at, kept.revoke_reason, kept.grants)
                    for (_, game), kept in world.store.entries.items()
                }
            )

        assert ends[0] == ends[1]

    async def test_also_takes_what_a_later_message_of_the_purchase_names(
        self, alice: Player, refund: RefundPurchaseHandler
    ) -> None:
        await alice.deliver(a_purchase("Portal 2", transaction_id="t-1"))
        await alice.deliver(a_purchase("Portal 2", transaction_id="t-2"))
        await refund(a_refund("t-1"))

        await alice.deliver(a_purchase("Portal 2", transaction_id="t-1", dlc=(ART_BOOK,)))

        assert (await alice.look()) == {
            PORTAL: True,
            ART_BOOK: False,
            game_id("Rangers"): False,
            game_id("nobody knows it"): False,
        }
