"""Rights, the best of them, and the access that they give (data 1)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from builders import NOON, a_grant
from hypothesis import given
from hypothesis import strategies as st
from unit.domain.library.entries import (
    BOB,
    FAMILY,
    FREE,
    GIFT,
    HOUR,
    PURCHASE,
    SUBSCRIPTION,
    moments,
    revoked,
)

from library_domain.library.model import (
    AcquisitionType,
    Grant,
    Refusal,
    Via,
    access_ends,
    best,
    decide_access,
)


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
