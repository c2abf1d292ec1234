"""Rights, the best of them, and the entry that shows it (data 1)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from builders import NOON, a_grant, game_id, user_id
from hypothesis import given
from hypothesis import strategies as st

from library_domain.catalog.model import ProductType
from library_domain.library.events import DLCAdded, GameAdded, GameUpdated, GrantRecorded
from library_domain.library.model import (
    AcquisitionType,
    Grant,
    LibraryEntry,
    Refusal,
    Via,
    access_ends,
    best,
    decide_access,
)
from library_domain.shared.money import Money

ALICE = user_id("alice")
BOB = user_id("bob")
PORTAL = game_id("Portal 2")
HOUR = timedelta(hours=1)
PURCHASE, GIFT, SUBSCRIPTION, FREE, FAMILY = AcquisitionType


def revoked(kind: AcquisitionType = PURCHASE, **overrides: Any) -> Grant:
    return a_grant(kind, revoked_at=NOON - HOUR, revoke_reason="refund", **overrides)


class TestBest:
    def test_is_none_of_none(self) -> None:
        assert best([], NOON) is None

    @pytest.mark.parametrize(
        ("stronger", "weaker"), list(zip(AcquisitionType, list(AcquisitionType)[1:], strict=False))
    )
    def test_is_the_stronger_kind(self, stronger: AcquisitionType, weaker: AcquisitionType) -> None:
        strong = a_grant(stronger, granted_at=NOON)
        weak = a_grant(weaker, granted_at=NOON - HOUR)

        assert best([weak, strong], NOON) is strong

    def test_is_the_earliest_of_one_kind(self) -> None:
        early, late = a_grant(granted_at=NOON - HOUR), a_grant(granted_at=NOON)

        assert best([late, early], NOON) is early

    def test_does_not_depend_on_the_order_even_of_equals(self) -> None:
        grants = [a_grant(source_id=source) for source in ("c", "a", "b")]

        assert {best(order, NOON) for order in permutations(grants)} == {grants[1]}

    def test_leaves_out_what_is_revoked_or_has_run_out(self) -> None:
        alive = a_grant(FREE)

        assert best([revoked(), a_grant(SUBSCRIPTION, expires_at=NOON), alive], NOON) is alive

    def test_ends_with_the_last_moment_before_its_end(self) -> None:
        grant = a_grant(SUBSCRIPTION, expires_at=NOON)

        assert best([grant], NOON - timedelta(microseconds=1)) is grant
        assert best([grant], NOON) is None


class TestAccessEnds:
    def test_never_without_rights(self) -> None:
        assert access_ends([], NOON) is None

    def test_never_if_one_right_never_ends_however_weak(self) -> None:
        assert access_ends([a_grant(SUBSCRIPTION, expires_at=NOON + HOUR), a_grant(FREE)], NOON) is None

    def test_with_the_last_of_several(self) -> None:
        grants = [a_grant(SUBSCRIPTION, expires_at=NOON + hours * HOUR) for hours in (1, 3, 2)]

        assert access_ends(grants, NOON) == NOON + 3 * HOUR

    def test_does_not_look_at_dead_rights(self) -> None:
        grants = [revoked(), a_grant(SUBSCRIPTION, expires_at=NOON + HOUR)]

        assert access_ends(grants, NOON) == NOON + HOUR


class TestDecideAccess:
    @pytest.mark.parametrize(
        ("kind", "via"),
        [
            (PURCHASE, Via.OWNED),
            (GIFT, Via.OWNED),
            (FREE, Via.OWNED),
            (SUBSCRIPTION, Via.SUBSCRIPTION),
            (FAMILY, Via.FAMILY),
        ],
    )
    def test_says_by_what_right(self, kind: AcquisitionType, via: Via) -> None:
        verdict = decide_access([a_grant(kind, source_id=str(BOB))], now=NOON)

        assert (verdict.allowed, verdict.via, verdict.reason) == (True, via, None)

    def test_names_the_owner_of_a_borrowed_game_only(self) -> None:
        lent = a_grant(FAMILY, source_id=str(BOB))

        assert decide_access([lent], now=NOON).owner_id == BOB
        assert decide_access([lent, a_grant()], now=NOON).owner_id is None

    def test_says_until_when(self) -> None:
        verdict = decide_access([a_grant(SUBSCRIPTION, expires_at=NOON + HOUR)], now=NOON)

        assert verdict.expires_at == NOON + HOUR

    @pytest.mark.parametrize(
        ("grants", "reason"),
        [
            ([], Refusal.NOT_OWNED),
            ([revoked()], Refusal.REVOKED),
            ([a_grant(SUBSCRIPTION, expires_at=NOON)], Refusal.EXPIRED),
            # What ran out can be renewed: that is what the user is told.
            ([revoked(), a_grant(SUBSCRIPTION, expires_at=NOON)], Refusal.EXPIRED),
            # Revoked before it would have run out: time was not the reason.
            ([revoked(SUBSCRIPTION, expires_at=NOON)], Refusal.REVOKED),
        ],
    )
    def test_says_why_not(self, grants: list[Grant], reason: Refusal) -> None:
        verdict = decide_access(grants, now=NOON)

        assert (verdict.allowed, verdict.via, verdict.reason) == (False, None, reason)
        assert (verdict.expires_at, verdict.owner_id) == (None, None)

    @pytest.mark.parametrize("parent_grants", [[], [revoked()], [a_grant(SUBSCRIPTION, expires_at=NOON)]])
    def test_refuses_a_dlc_whose_base_game_may_not_be_played(self, parent_grants: list[Grant]) -> None:
        verdict = decide_access([a_grant()], parent_grants=parent_grants, now=NOON)

        assert (verdict.allowed, verdict.reason) == (False, Refusal.BASE_GAME_MISSING)

    def test_says_of_a_dlc_that_is_not_owned_just_that(self) -> None:
        verdict = decide_access([], parent_grants=[], now=NOON)

        assert verdict.reason is Refusal.NOT_OWNED

    def test_allows_a_dlc_by_its_own_right(self) -> None:
        verdict = decide_access([a_grant()], parent_grants=[a_grant(SUBSCRIPTION)], now=NOON)

        assert (verdict.allowed, verdict.via) == (True, Via.OWNED)

    @pytest.mark.parametrize(
        ("own_end", "parent_end", "end"),
        [(None, None, None), (1, None, 1), (None, 2, 2), (1, 2, 1), (2, 1, 1)],
    )
    def test_ends_for_a_dlc_when_the_first_of_both_rights_ends(
        self, own_end: int | None, parent_end: int | None, end: int | None
    ) -> None:
        def in_hours(hours: int | None) -> datetime | None:
            return None if hours is None else NOON + hours * HOUR

        verdict = decide_access(
            [a_grant(SUBSCRIPTION, expires_at=in_hours(own_end))],
            parent_grants=[a_grant(SUBSCRIPTION, expires_at=in_hours(parent_end))],
            now=NOON,
        )

        assert verdict.expires_at == in_hours(end)


moments = st.sampled_from([NOON - HOUR, NOON, NOON + HOUR])
grants = st.builds(
    lambda kind, granted_at, expires_at, is_revoked: a_grant(
        kind,
        source_id=str(BOB),
        granted_at=granted_at,
        expires_at=expires_at,
        revoked_at=NOON if is_revoked else None,
    ),
    st.sampled_from(AcquisitionType),
    moments,
    st.none() | moments,
    st.booleans(),
)


@given(st.lists(grants, max_size=4), st.none() | st.lists(grants, max_size=2), moments)
def test_verdicts_agree_with_a_model_that_asks_one_question_at_a_time(
    own: list[Grant], parents: list[Grant] | None, now: datetime
) -> None:
    def lives(grant: Grant) -> bool:
        lapsed = grant.expires_at is not None and grant.expires_at <= now
        return grant.revoked_at is None and not lapsed

    def end(of: Sequence[Grant]) -> datetime:
        return max(grant.expires_at or datetime.max.replace(tzinfo=NOON.tzinfo) for grant in of)

    verdict = decide_access(own, parent_grants=parents, now=now)

    alive = [grant for grant in own if lives(grant)]
    alive_parents = [grant for grant in parents or [] if lives(grant)]
    assert verdict.allowed == (bool(alive) and (parents is None or bool(alive_parents)))
    assert (verdict.via is None, verdict.reason is None) == (not verdict.allowed, verdict.allowed)
    match verdict.reason:
        case Refusal.NOT_OWNED:
            assert own == []
        case Refusal.BASE_GAME_MISSING:
            assert alive
            assert not alive_parents
        case Refusal.EXPIRED:
            assert any(grant.revoked_at is None for grant in own)
        case Refusal.REVOKED:
            assert all(grant.revoked_at is not None for grant in own)
    if verdict.allowed:
        kinds = {grant.acquisition_type for grant in alive}
        owned = kinds & {PURCHASE, GIFT}
        expected = (
            Via.OWNED
            if owned
            else Via.SUBSCRIPTION
            if SUBSCRIPTION in kinds
            else Via.OWNED
            if FREE in kinds
            else Via.FAMILY
        )
        assert verdict.via is expected
        assert (verdict.owner_id == BOB) == (expected is Via.FAMILY)
        until = min(end(of) for of in (alive, alive_parents) if of)
        assert (verdict.expires_at or datetime.max.replace(tzinfo=NOON.tzinfo)) == until


def an_entry(*grants: Grant, product_type: ProductType = ProductType.GAME) -> LibraryEntry:
    """Make Alice's entry with these rights, as it comes back from the store."""
    first = grants[0] if grants else a_grant()
    entry = LibraryEntry.open(
        entry_id=game_id("entry"),
        user_id=ALICE,
        game_id=PORTAL,
        product_type=product_type,
        grant=first,
        now=NOON,
    )
    for grant in grants:
        entry.add(grant, now=NOON, game_name="Portal 2")
    if grants:
        entry.is_new = entry.is_changed = False
    entry.new_grants.clear()
    entry.redated_grants.clear()
    entry.events.clear()
    return entry


def add(entry: LibraryEntry, grant: Grant, *, now: datetime = NOON, **arguments: Any) -> bool:
    return entry.add(grant, now=now, game_name="Portal 2", **arguments)


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
        entry.revoked_at, entry.revoke_reason = NOON - HOUR, "refund"

        brought = add(entry, a_grant(source_id="t-2"))

        assert brought
        assert [type(event) for event in entry.events] == [GameAdded]
        assert entry.is_changed
        assert entry.has_access(NOON)
        assert not any((entry.revoked_at, entry.revoke_reason))

    def test_announces_again_what_comes_back_after_it_ran_out(self) -> None:
        entry = an_entry(a_grant(SUBSCRIPTION, expires_at=NOON + HOUR))

        brought = add(entry, a_grant(), now=NOON + HOUR)

        assert brought
        assert [type(event) for event in entry.events] == [GameAdded]

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
                revoke_reason=None if at is None else "refund",
            )
            for number in range(1, data.draw(st.integers(2, 4)) + 1)
        ]

        ends = [an_entry(*order).grants for order in permutations(events)]
        entry = an_entry(*events)
        for event in events:
            add(entry, event)

        assert all(end == ends[0] for end in ends)
        assert (entry.events, entry.new_grants, entry.redated_grants) == ([], [], [])
