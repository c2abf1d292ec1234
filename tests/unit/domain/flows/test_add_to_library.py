"""A purchase becomes rights, entries, audit rows and one announcement (contract 4.1; spec flow 1)."""

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from builders import NOON, a_dlc, a_game, a_purchase, event_id, game_id, user_id
from fakes.clock import FakeClock, SequentialIds
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork
from hypothesis import given, settings
from hypothesis import strategies as st

from library_domain.catalog.model import ProductType
from library_domain.flows.add_to_library import AddToLibrary, AddToLibraryHandler
from library_domain.library.model import AcquisitionType, LibraryEntry
from library_domain.library.use_cases.refund_purchase import RefundPurchase, RefundPurchaseHandler
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.ports import EventClaim

ALICE = user_id("alice")
PORTAL, ART_BOOK, ZEST = game_id("Portal 2"), game_id("Art book"), game_id("Zest")


class Shop:
    """The flow over a store of its own, with purchases delivered as the consumer does it."""

    def __init__(self) -> None:
        self.store = Store()
        self.clock = FakeClock()
        ids = SequentialIds()
        self.uow = FakeUnitOfWork(self.store, clock=self.clock, ids=ids)
        self.add = AddToLibraryHandler(uow=self.uow, clock=self.clock, ids=ids)
        for game in (a_game("Portal 2"), a_dlc("Art book", of="Portal 2"), a_dlc("Zest", of="Portal 2")):
            self.store.games[game.game_id] = game

    async def deliver(self, purchase: AddToLibrary) -> None:
        claim = EventClaim(user_id=purchase.user_id, consumer="library", event_id=purchase.event_id)
        async with self.uow.once(claim) as once:
            if once.replay is None:
                await self.add(purchase)

    def entry(self, game: GameId = PORTAL, *, of: UserId = ALICE) -> LibraryEntry:
        return self.store.entries[of, game]

    def published(self) -> list[tuple[str, dict[str, Any]]]:
        envelopes = [msgspec.json.decode(message.payload) for message in self.store.outbox]
        return [(envelope["event_type"], envelope["data"]) for envelope in envelopes]

    def audited(self) -> list[tuple[str, GameId]]:
        return [(row["action"], row["game_id"]) for row in self.store.audit]

    async def refund(self, transaction_id: str, *games: GameId, by: UserId = ALICE) -> None:
        """Take back what the transaction gave, all of it if no game is named."""
        refund = RefundPurchaseHandler(uow=self.uow, clock=self.clock)
        await refund(
            RefundPurchase(
                user_id=by,
                transaction_id=transaction_id,
                event_id=event_id(f"refund of {transaction_id}"),
                event_time=NOON,
                dlc=games,
            )
        )


@pytest.fixture
def shop() -> Shop:
    return Shop()


class TestFirstPurchase:
    async def test_makes_an_entry_with_the_right(self, shop: Shop) -> None:
        purchase = a_purchase("Portal 2", transaction_id="t-1", gifted_by=user_id("bob"))

        result = await shop.add(purchase)

        assert result.added == (PORTAL,)
        entry = shop.entry()
        assert (entry.product_type, entry.acquisition_type) == (ProductType.GAME, AcquisitionType.PURCHASE)
        assert (entry.acquisition_date, entry.created_at) == (purchase.purchased_at, shop.clock.now())
        (grant,) = entry.grants
        assert (grant.source_id, grant.transaction_id, grant.purchase_type) == ("t-1", "t-1", "direct")
        assert (grant.price, grant.gifted_by) == (purchase.price, purchase.gifted_by)
        assert (grant.event_id, grant.event_time) == (purchase.event_id, purchase.event_time)

    async def test_is_announced_and_audited(self, shop: Shop) -> None:
        await shop.add(a_purchase("Portal 2", transaction_id="t-1"))

        ((event_type, data),) = shop.published()
        assert event_type == "library.game.added"
        assert data == {
            "user_id": str(ALICE),
            "game_id": str(PORTAL),
            "game_name": "Portal 2",
            "product_type": "game",
            "acquisition_type": "purchase",
            "acquisition_date": "2026-11-23T11:59:00Z",
            "transaction_id": "t-1",
            "purchase_type": "direct",
            "price": {"amount": 499.0, "currency": "RUB"},
            "gifted_by": None,
            "dlc": [],
        }
        assert shop.audited() == [("add_game", PORTAL)]

    @pytest.mark.parametrize(
        ("declared", "kept"),
        [(None, ProductType.GAME), (ProductType.APPLICATION, ProductType.APPLICATION)],
    )
    async def test_of_a_game_that_we_do_not_know_is_kept_as_declared(
        self, shop: Shop, declared: ProductType | None, kept: ProductType
    ) -> None:
        await shop.add(a_purchase("nobody knows it", product_type=declared))

        assert shop.entry(game_id("nobody knows it")).product_type is kept
        ((_, data),) = shop.published()
        assert data["game_name"] is None

    async def test_of_a_game_that_we_know_is_kept_as_catalog_says(self, shop: Shop) -> None:
        await shop.add(a_purchase("Art book", product_type=ProductType.GAME))

        assert shop.entry(ART_BOOK).product_type is ProductType.DLC


class TestPurchaseWithDLC:
    async def test_names_the_dlc_in_one_announcement_and_audits_each(self, shop: Shop) -> None:
        result = await shop.add(a_purchase("Portal 2", dlc=(ZEST, ART_BOOK, ZEST)))

        assert result.added == (PORTAL, *sorted((ART_BOOK, ZEST)))
        ((_, data),) = shop.published()
        assert data["dlc"] == [str(dlc) for dlc in sorted((ART_BOOK, ZEST))]
        assert Counter(shop.audited()) == Counter(
            [("add_game", PORTAL), ("add_dlc", ART_BOOK), ("add_dlc", ZEST)]
        )

    async def test_keeps_the_price_of_the_whole_with_the_game(self, shop: Shop) -> None:
        await shop.add(a_purchase("Portal 2", dlc=(ART_BOOK,)))

        assert shop.entry(PORTAL).grants[0].price is not None
        assert shop.entry(ART_BOOK).grants[0].price is None

    async def test_announces_a_dlc_itself_when_the_game_was_there_before(self, shop: Shop) -> None:
        await shop.add(a_purchase("Portal 2"))
        shop.store.outbox.clear()
        shop.store.audit.clear()

        result = await shop.add(a_purchase("Portal 2", dlc=(ART_BOOK,)))

        assert result.added == (ART_BOOK,)
        ((event_type, data),) = shop.published()
        assert (event_type, data["game_id"], data["game_name"]) == (
            "library.game.added",
            str(ART_BOOK),
            "Art book",
        )
        assert Counter(shop.audited()) == Counter([("record_grant", PORTAL), ("add_game", ART_BOOK)])

    async def test_does_not_name_a_dlc_that_was_there_before(self, shop: Shop) -> None:
        await shop.add(a_purchase("Art book"))
        shop.store.outbox.clear()

        result = await shop.add(a_purchase("Portal 2", dlc=(ART_BOOK, ZEST)))

        assert result.added == (PORTAL, ZEST)
        ((_, data),) = shop.published()
        assert data["dlc"] == [str(ZEST)]

    async def test_does_not_name_a_dlc_that_this_very_purchase_can_no_longer_give(self, shop: Shop) -> None:
        bundle = a_purchase("Portal 2", dlc=(ART_BOOK,))
        await shop.refund(bundle.transaction_id, ART_BOOK)
        shop.store.outbox.clear()

        result = await shop.add(bundle)

        assert result.added == (PORTAL,)
        ((_, data),) = shop.published()
        assert data["dlc"] == []

    async def test_ignores_the_game_among_its_own_dlc(self, shop: Shop) -> None:
        result = await shop.add(a_purchase("Portal 2", dlc=(PORTAL,)))

        assert result.added == (PORTAL,)
        ((_, data),) = shop.published()
        assert data["dlc"] == []


class TestRepeatedPurchase:
    async def test_changes_and_emits_nothing(self, shop: Shop) -> None:
        purchase = a_purchase("Portal 2", dlc=(ART_BOOK,))
        await shop.add(purchase)
        before = (shop.published(), shop.audited(), shop.store.users[ALICE].revision)

        shop.clock.advance(timedelta(days=30))
        result = await shop.add(purchase)

        assert result.added == ()
        assert (shop.published(), shop.audited(), shop.store.users[ALICE].revision) == before

    async def test_under_another_event_id_is_the_same_purchase(self, shop: Shop) -> None:
        await shop.deliver(a_purchase("Portal 2", transaction_id="t-1"))
        await shop.deliver(a_purchase("Portal 2", transaction_id="t-1", event_id=event_id("again")))

        assert len(shop.entry().grants) == 1
        assert len(shop.published()) == 1

    async def test_does_not_revive_what_was_refunded(self, shop: Shop) -> None:
        purchase = a_purchase("Portal 2")
        await shop.add(purchase)
        await shop.refund(purchase.transaction_id)

        result = await shop.add(purchase)

        assert result.added == ()
        assert not shop.entry().has_access(shop.clock.now())

    async def test_of_another_transaction_after_a_refund_is_announced_again(self, shop: Shop) -> None:
        await shop.add(a_purchase("Portal 2", transaction_id="t-1"))
        await shop.refund("t-1")

        result = await shop.add(a_purchase("Portal 2"))

        assert result.added == (PORTAL,)
        assert shop.entry().revoked_at is None
        assert [event_type for event_type, _ in shop.published()] == [
            "library.game.added",
            "library.game.access_revoked",
            "library.game.added",
        ]

    async def test_that_is_stronger_is_an_update(self, shop: Shop) -> None:
        await shop.add(a_purchase("Portal 2", acquisition_type=AcquisitionType.FREE))

        result = await shop.add(a_purchase("Portal 2"))

        assert result.added == ()
        assert [event_type for event_type, _ in shop.published()] == [
            "library.game.added",
            "library.game.updated",
        ]
        assert shop.published()[1][1]["changes"] == ["acquisition_type"]

    async def test_of_another_user_is_their_own(self, shop: Shop) -> None:
        await shop.add(a_purchase("Portal 2", transaction_id="t-1"))
        await shop.add(a_purchase("Portal 2", transaction_id="t-1", by="bob"))

        assert set(shop.store.entries) == {(ALICE, PORTAL), (user_id("bob"), PORTAL)}
        assert len(shop.published()) == 2


KINDS = [AcquisitionType.PURCHASE, AcquisitionType.GIFT, AcquisitionType.FREE]
PRODUCTS = [
    ("Portal 2", None, ()),
    ("Portal 2", None, (ART_BOOK,)),
    ("Portal 2", None, (ZEST, ART_BOOK)),
    ("Art book", ProductType.DLC, ()),
    ("nobody knows it", ProductType.APPLICATION, ()),
]


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[AddToLibrary], list[tuple[AddToLibrary, bool]]]:
    """Draw purchases, and their delivery: in any order, 1 to 5 times each, some after the claims were purged."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["alice", "bob"]),
                st.sampled_from(PRODUCTS),
                st.sampled_from(KINDS),
                st.integers(min_value=0, max_value=3),
                st.integers(min_value=1, max_value=5),
            ),
            min_size=1,
            max_size=7,
        )
    )
    purchases = [
        a_purchase(
            game,
            by=by,
            transaction_id=f"t-{number}",
            acquisition_type=kind,
            product_type=product_type,
            dlc=dlc,
            purchased_at=NOON - timedelta(hours=hours),
        )
        for number, (by, (game, product_type, dlc), kind, hours, _) in enumerate(drawn)
    ]
    repeated = [
        (purchase, draw(st.booleans()))
        for purchase, (*_, times) in zip(purchases, drawn, strict=True)
        for _ in range(times)
    ]
    return purchases, draw(st.permutations(repeated))


def state(store: Store) -> dict[tuple[UserId, GameId], object]:
    """Return what must not depend on the order: what each entry shows, and its set of rights."""
    return {
        key: (
            entry.product_type,
            entry.acquisition_type,
            entry.acquisition_date,
            entry.access_expires_at,
            entry.revoked_at,
            entry.revoke_reason,
            frozenset(entry.grants),
        )
        for key, entry in store.entries.items()
    }


@given(deliveries())
@settings(max_examples=60)
async def test_any_order_and_repetition_ends_as_in_order_and_once(
    drawn: tuple[list[AddToLibrary], list[tuple[AddToLibrary, bool]]],
) -> None:
    purchases, delivered = drawn
    orderly, disorderly = Shop(), Shop()

    for purchase in purchases:
        await orderly.deliver(purchase)
    for purchase, claims_are_purged in delivered:
        if claims_are_purged:
            disorderly.store.inbox.clear()
        await disorderly.deliver(purchase)

    assert state(disorderly.store) == state(orderly.store)
    for shop in (orderly, disorderly):
        announced = Counter(
            (data["user_id"], product)
            for event_type, data in shop.published()
            if event_type == "library.game.added"
            for product in (data["game_id"], *data["dlc"])
        )
        assert announced == Counter((str(user), str(game)) for user, game in shop.store.entries)
        assert len(shop.store.audit) == sum(len(entry.grants) for entry in shop.store.entries.values())
