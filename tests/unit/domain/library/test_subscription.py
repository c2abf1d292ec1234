"""A subscription is the newest state that was told of it, and rights follow from it (details 3.1)."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from builders import NOON, game_id, user_id
from hypothesis import given
from hypothesis import strategies as st

from library_domain.library.model import AcquisitionType, HeldRight, Subscription, SubscriptionStatus
from library_domain.shared.ids import GameId

PORTAL, RANGERS = game_id("Portal 2"), game_id("Rangers")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ACTIVE, CANCELLED, EXPIRED = SubscriptionStatus


def told(*games: GameId, at: datetime = NOON, **overrides: Any) -> Subscription:
    values: dict[str, Any] = {
        "user_id": user_id("alice"),
        "subscription_id": "s-1",
        "status": ACTIVE,
        "games": frozenset(games),
        "expires_at": NOON + DAY,
        "event_time": at,
        "event_id": UUID(int=1),
        "first_named": dict.fromkeys(games, at),
    }
    return Subscription(**values | overrides)


def held(**overrides: Any) -> HeldRight:
    values: dict[str, Any] = {"granted_at": NOON, "expires_at": NOON + DAY, "shown_until": NOON + DAY}
    return HeldRight(**values | overrides)


class TestEnd:
    @pytest.mark.parametrize("status", [ACTIVE, CANCELLED])
    def test_is_when_it_runs_out(self, status: SubscriptionStatus) -> None:
        assert told(status=status).ends_at == NOON + DAY

    def test_of_an_expired_one_is_at_once(self) -> None:
        assert told(status=EXPIRED).ends_at == NOON

    def test_of_an_expired_one_is_not_put_off(self) -> None:
        assert told(status=EXPIRED, expires_at=NOON - DAY).ends_at == NOON - DAY


class TestMerged:
    def test_is_the_newest_state(self) -> None:
        newest = told(RANGERS, at=NOON + HOUR, status=CANCELLED)

        merged = told(PORTAL).merged(newest)

        assert (merged.games, merged.status, merged.event_time) == (
            frozenset({RANGERS}),
            CANCELLED,
            NOON + HOUR,
        )

    def test_takes_the_greater_id_of_one_moment(self) -> None:
        greater = told(RANGERS, event_id=UUID(int=2))

        assert told(PORTAL).merged(greater).games == greater.merged(told(PORTAL)).games == {RANGERS}

    def test_remembers_when_each_game_was_first_named(self) -> None:
        merged = told(PORTAL, RANGERS, at=NOON + HOUR).merged(told(PORTAL))

        assert merged.first_named == {PORTAL: NOON, RANGERS: NOON + HOUR}

    @given(st.data())
    def test_does_not_depend_on_order_or_number(self, data: st.DataObject) -> None:
        states = [
            told(
                *data.draw(st.sets(st.sampled_from([PORTAL, RANGERS]))),
                at=NOON + data.draw(st.integers(0, 2)) * HOUR,
                event_id=UUID(int=number),
            )
            for number in range(1, 4)
        ]

        ends = []
        for order in permutations(states):
            end = order[0]
            for state in (*order, *order):
                end = end.merged(state)
            ends.append(end)

        assert all(end == ends[0] for end in ends)


class TestDiffering:
    def test_are_games_that_nobody_was_given_yet(self) -> None:
        assert told(PORTAL, RANGERS).differing({PORTAL: held()}, NOON) == [RANGERS]

    def test_are_in_the_order_of_their_ids(self) -> None:
        games = [game_id(str(number)) for number in range(9)]

        assert told(*games).differing({}, NOON) == sorted(games)

    def test_are_none_when_all_is_as_it_must_be(self) -> None:
        assert told(PORTAL).differing({PORTAL: held()}, NOON) == []

    def test_are_games_whose_right_ends_at_another_time(self) -> None:
        assert told(PORTAL, expires_at=NOON + 2 * DAY).differing({PORTAL: held()}, NOON) == [PORTAL]

    def test_are_games_that_left_until_their_right_has_ended(self) -> None:
        left = told(first_named={PORTAL: NOON - DAY})

        assert left.differing({PORTAL: held(granted_at=NOON - DAY)}, NOON) == [PORTAL]
        assert left.differing({PORTAL: held(granted_at=NOON - DAY, expires_at=NOON)}, NOON) == []

    def test_are_games_whose_entry_shows_what_has_run_out(self) -> None:
        subscription = told(PORTAL)

        assert subscription.differing({PORTAL: held()}, NOON + DAY) == [PORTAL]
        assert subscription.differing({PORTAL: held(shown_until=None)}, NOON + DAY) == []

    def test_are_none_of_those_that_ran_out_before_anybody_was_given_them(self) -> None:
        assert told(PORTAL).differing({}, NOON + DAY) == []


class TestGrant:
    def test_lasts_as_long_as_the_subscription(self) -> None:
        grant = told(PORTAL).grant(PORTAL, None, NOON)

        assert grant.key == (AcquisitionType.SUBSCRIPTION, "subscription:s-1")
        assert (grant.granted_at, grant.expires_at) == (NOON, NOON + DAY)
        assert grant.revoked_at is None

    def test_to_a_game_that_left_ended_when_it_left(self) -> None:
        left = told(first_named={PORTAL: NOON - DAY})

        assert left.grant(PORTAL, held(), NOON + HOUR).expires_at == NOON

    def test_to_a_game_that_left_is_not_prolonged(self) -> None:
        left = told(first_named={PORTAL: NOON - DAY})

        assert left.grant(PORTAL, held(expires_at=NOON - HOUR), NOON).expires_at == NOON - HOUR

    def test_to_a_game_that_leaves_by_a_clock_ahead_of_ours_ends_now(self) -> None:
        left = told(at=NOON + HOUR, first_named={PORTAL: NOON})

        assert left.grant(PORTAL, held(), NOON).expires_at == NOON
