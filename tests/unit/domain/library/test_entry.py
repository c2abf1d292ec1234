"""The entry that shows the best of its rights, and tells what changes (data 1)."""

from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from builders import NOON, a_grant, game_id
from hypothesis import given
from hypothesis import strategies as st
from unit.domain.library.entries import (
    ALICE,
    BOB,
    FREE,
    GIFT,
    HOUR,
    PORTAL,
    PURCHASE,
    SUBSCRIPTION,
    add,
    an_entry,
    moments,
    revoked,
)

from library_domain.catalog.model import ProductType
from library_domain.library.events import AccessRevoked, DLCAdded, GameAdded, GameUpdated, GrantRecorded
from library_domain.library.model import Grant
from library_domain.shared.money import Money

EVERY_KIND = [
    a_grant(PURCHASE, granted_at=NOON),
    a_grant(PURCHASE, granted_at=NOON - HOUR),
    a_grant(GIFT, granted_at=NOON - 2 * HOUR),
    a_grant(SUBSCRIPTION, granted_at=NOON - 3 * HOUR, expires_at=NOON + HOUR),
    revoked(granted_at=NOON - 4 * HOUR),
]


class TestAdd:
    def test_announces_the_first_right(self) -> None:
        grant = a_grant(granted_at=NOON - HOUR, transaction_id="t-1", purchase_type="gift", gifted_by=BOB)
        entry = an_entry()

        brought = add(entry, grant, dlc=(game_id("Art book"),))

        assert brought
        assert (entry.is_new, entry.new_grants) == (True, [grant])
        assert entry.events == [
            GameAdded(
                user_id=ALICE,
                game_id=PORTAL,
                occurred_at=NOON,
                game_name="Portal 2",
                product_type="game",
                acquisition_type="purchase",
                acquisition_date=NOON - HOUR,
                transaction_id="t-1",
                purchase_type="gift",
                price=None,
                gifted_by=BOB,
                dlc=(game_id("Art book"),),
            )
        ]

    def test_shows_the_first_right(self) -> None:
        entry = an_entry()

        add(entry, a_grant(SUBSCRIPTION, granted_at=NOON - HOUR, expires_at=NOON + HOUR))

        assert (entry.acquisition_type, entry.acquisition_date) == (SUBSCRIPTION, NOON - HOUR)
        assert (entry.access_expires_at, entry.revoked_at) == (NOON + HOUR, None)
        assert entry.has_access(NOON)

    def test_leaves_the_announcement_of_a_dlc_to_its_base_game(self) -> None:
        entry = an_entry(product_type=ProductType.DLC)

        brought = add(entry, a_grant(source_id="t-1"), came_with=game_id("base"))

        assert brought
        assert entry.events == [
            DLCAdded(
                user_id=ALICE,
                game_id=PORTAL,
                occurred_at=NOON,
                base_game_id=game_id("base"),
                acquisition_type="purchase",
                source_id="t-1",
            )
        ]

    def test_changes_nothing_the_second_time(self) -> None:
        grant = a_grant()
        entry = an_entry(grant)

        brought = add(entry, grant)

        assert not brought
        assert (entry.grants, entry.new_grants, entry.events, entry.is_changed) == ([grant], [], [], False)

    def test_only_records_a_weaker_right(self) -> None:
        entry = an_entry(a_grant())
        gift = a_grant(GIFT, source_id="t-2")

        brought = add(entry, gift)

        assert not brought
        assert (entry.acquisition_type, entry.is_changed, entry.new_grants) == (PURCHASE, False, [gift])
        assert entry.events == [
            GrantRecorded(
                user_id=ALICE, game_id=PORTAL, occurred_at=NOON, acquisition_type="gift", source_id="t-2"
            )
        ]

    def test_shows_a_stronger_right_and_names_what_changed(self) -> None:
        entry = an_entry(a_grant(SUBSCRIPTION, granted_at=NOON - HOUR, expires_at=NOON + HOUR))

        brought = add(entry, a_grant(granted_at=NOON))

        assert not brought
        assert (entry.acquisition_type, entry.acquisition_date) == (PURCHASE, NOON)
        assert (entry.access_expires_at, entry.is_changed) == (None, True)
        assert entry.events == [
            GameUpdated(
                user_id=ALICE,
                game_id=PORTAL,
                occurred_at=NOON,
                game_name="Portal 2",
                changes=("acquisition_type", "acquisition_date", "access_expires_at"),
            )
        ]

    def test_shows_that_a_weaker_right_lasts_longer(self) -> None:
        entry = an_entry(a_grant(SUBSCRIPTION, expires_at=NOON + HOUR))

        add(entry, a_grant(FREE))

        assert (entry.acquisition_type, entry.access_expires_at) == (SUBSCRIPTION, None)
        assert [event.changes for event in entry.events if isinstance(event, GameUpdated)] == [
            ("access_expires_at",)
        ]

    def test_never_revives_a_revoked_source(self) -> None:
        refunded = revoked(source_id="t-1")
        entry = an_entry(refunded)

        brought = add(entry, a_grant(source_id="t-1"))

        assert not brought
        assert (entry.grants, entry.events) == ([refunded], [])
        assert not entry.has_access(NOON)

    def test_keeps_apart_what_one_source_gave_in_different_ways(self) -> None:
        entry = an_entry(revoked(source_id="t-1"))

        assert add(entry, a_grant(GIFT, source_id="t-1"))

    def test_announces_again_what_is_bought_again_after_a_refund(self) -> None:
        entry = an_entry(revoked(source_id="t-1"))

        brought = add(entry, a_grant(source_id="t-2"))

        assert brought
        assert [type(event) for event in entry.events] == [GameAdded]
        assert entry.is_changed
        assert entry.has_access(NOON)
        assert not any((entry.revoked_at, entry.revoke_reason))

    def test_announces_what_comes_back_after_it_ran_out_and_first_that_it_was_gone(self) -> None:
        entry = an_entry(a_grant(SUBSCRIPTION, expires_at=NOON + HOUR))

        brought = add(entry, a_grant(), now=NOON + HOUR)

        assert brought
        assert [type(event) for event in entry.events] == [AccessRevoked, GameAdded]

    def test_only_records_a_right_that_is_dead_on_arrival(self) -> None:
        entry = an_entry(revoked(source_id="t-1"))

        brought = add(entry, revoked(source_id="t-2"))

        assert not brought
        assert [type(event) for event in entry.events] == [GrantRecorded]

    @given(st.permutations(EVERY_KIND))
    def test_shows_the_same_whatever_came_first(self, arrivals: list[Grant]) -> None:
        entry = an_entry(*arrivals)

        assert (entry.acquisition_type, entry.acquisition_date) == (PURCHASE, NOON - HOUR)
        assert entry.access_expires_at is None


EARLIER, LATER = UUID(int=1), UUID(int=2)


FEW = Money(Decimal("399.00"), "RUB")


MANY = Money(Decimal("499.00"), "RUB")


class TestCorrect:
    def test_takes_the_newer_description_and_tells_what_the_entry_shows_differently(self) -> None:
        old = a_grant(source_id="t-1", price=MANY, gifted_by=None)
        entry = an_entry(old)
        newer = a_grant(
            source_id="t-1",
            price=FEW,
            gifted_by=BOB,
            granted_at=NOON - HOUR,
            event_time=NOON + HOUR,
            purchase_type="gift",
        )

        brought = add(entry, newer)

        assert not brought
        assert (entry.grants, entry.new_grants, entry.redated_grants) == ([newer], [newer], [])
        assert (entry.acquisition_date, entry.is_changed) == (NOON - HOUR, True)
        assert [type(event) for event in entry.events] == [GameUpdated]

    def test_only_records_what_the_entry_does_not_show(self) -> None:
        entry = an_entry(a_grant(source_id="t-1", price=MANY))

        add(entry, a_grant(source_id="t-1", price=FEW, event_time=NOON + HOUR))

        assert entry.grants[0].price == FEW
        assert not entry.is_changed
        assert [type(event) for event in entry.events] == [GrantRecorded]

    def test_says_nothing_of_a_newer_event_with_the_same_content(self) -> None:
        entry = an_entry(a_grant(source_id="t-1", event_id=EARLIER))
        newer = a_grant(source_id="t-1", event_id=LATER)

        add(entry, newer)

        assert (entry.grants, entry.redated_grants) == ([newer], [newer])
        assert (entry.new_grants, entry.events, entry.is_changed) == ([], [], False)

    @pytest.mark.parametrize(
        "older",
        [{"event_time": NOON - HOUR}, {"event_id": EARLIER}, {"event_time": NOON + HOUR, "price": None}],
    )
    def test_takes_nothing_from_an_event_with_less_authority(self, older: dict[str, Any]) -> None:
        newest = a_grant(source_id="t-1", event_id=LATER, price=MANY)
        entry = an_entry(newest)

        members: dict[str, Any] = {"price": FEW, "granted_at": NOON + HOUR} | older
        add(entry, a_grant(source_id="t-1", **members))

        assert (entry.grants, entry.events) == ([newest], [])
        assert (entry.new_grants, entry.redated_grants) == ([], [])

    def test_keeps_the_earliest_time_that_any_event_says(self) -> None:
        entry = an_entry(a_grant(source_id="t-1", event_id=EARLIER))

        add(entry, a_grant(source_id="t-1", event_time=NOON + HOUR, granted_at=NOON + HOUR))

        assert entry.grants[0].granted_at == entry.acquisition_date == NOON
        assert (entry.new_grants, entry.events, entry.is_changed) == ([], [], False)

    def test_takes_an_earlier_time_from_any_event(self) -> None:
        entry = an_entry(a_grant(source_id="t-1", event_id=LATER))

        add(entry, a_grant(source_id="t-1", event_time=NOON - HOUR, granted_at=NOON - HOUR))

        assert entry.grants[0].granted_at == entry.acquisition_date == NOON - HOUR

    def test_leaves_a_revoked_right_revoked(self) -> None:
        entry = an_entry(revoked(source_id="t-1"))

        add(entry, a_grant(source_id="t-1", event_time=NOON + HOUR, granted_at=NOON - HOUR))

        assert (entry.grants[0].revoked_at, entry.grants[0].granted_at) == (NOON - HOUR, NOON - HOUR)
        assert not entry.has_access(NOON)

    @given(st.data())
    def test_ends_the_same_in_any_order_and_a_repetition_changes_nothing(self, data: st.DataObject) -> None:
        events = [
            a_grant(
                source_id="t-1",
                event_id=UUID(int=number),
                event_time=data.draw(moments),
                granted_at=data.draw(moments),
                price=data.draw(st.sampled_from([None, FEW, MANY])),
                gifted_by=data.draw(st.sampled_from([None, BOB])),
                revoked_at=(at := data.draw(st.none() | moments)),
                revoke_reason=None if at is None else "refunded",
            )
            for number in range(1, data.draw(st.integers(2, 4)) + 1)
        ]

        ends = [an_entry(*order).grants for order in permutations(events)]
        entry = an_entry(*events)
        for event in events:
            add(entry, event)

        assert all(end == ends[0] for end in ends)
        assert (entry.events, entry.new_grants, entry.redated_grants) == ([], [], [])
