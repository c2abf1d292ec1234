"""What an entry shows and tells when rights end: taken back, run out, or told anew by their source (data 1)."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from builders import NOON, a_grant
from unit.domain.library.entries import ALICE, FREE, HOUR, PORTAL, SUBSCRIPTION, add, an_entry, revoked

from library_domain.library.events import (
    AccessRevoked,
    GameAdded,
    GameUpdated,
    GrantRecorded,
    GrantRevoked,
    RightSucceeded,
)
from library_domain.library.model import Grant, LibraryEntry, shown


def taken(entry: LibraryEntry, transaction: str = "t-1", *, at: datetime = NOON) -> bool:
    return entry.revoke(transaction, at=at, reason="refunded", now=NOON, game_name="Portal 2")


def bought(transaction: str = "t-1", **overrides: Any) -> Grant:
    return a_grant(source_id=transaction, transaction_id=transaction, **overrides)


def subscribed(source: str = "s-1", *, ends: timedelta = HOUR, **overrides: Any) -> Grant:
    return a_grant(SUBSCRIPTION, source_id=source, expires_at=NOON + ends, **overrides)


def hold(entry: LibraryEntry, grant: Grant, *, now: datetime = NOON) -> None:
    entry.hold(grant, now=now, game_name="Portal 2")


class TestShown:
    def test_is_the_best_live_right_and_until_when_it_is_that(self) -> None:
        seen = shown([subscribed(), a_grant(FREE)], NOON)

        assert (seen.acquisition_type, seen.shown_until, seen.access_expires_at) == (
            SUBSCRIPTION,
            NOON + HOUR,
            None,
        )
        assert (seen.revoked_at, seen.revoke_reason) == (None, None)

    @pytest.mark.parametrize("ended_last", [revoked(source_id="t-2"), subscribed(ends=-HOUR)])
    def test_is_the_right_that_ended_last_when_none_lives(self, ended_last: Grant) -> None:
        ended = [revoked(source_id="t-1"), subscribed("s-2", ends=-2 * HOUR), ended_last]
        ended[0] = replace(ended[0], revoked_at=NOON - 3 * HOUR)

        seen = {shown(order, NOON) for order in permutations(ended)}

        (only,) = seen
        assert (only.revoked_at, only.revoke_reason) == ended_last.end
        assert (only.acquisition_type, only.shown_until) == (ended_last.acquisition_type, None)

    def test_takes_the_end_that_came_first_of_one_right(self) -> None:
        ran_out_first = revoked(SUBSCRIPTION, expires_at=NOON - 2 * HOUR)

        assert ran_out_first.end == (NOON - 2 * HOUR, "expired")


class TestBornDead:
    def test_entry_shows_no_access_and_announces_nothing(self) -> None:
        entry = an_entry()

        brought = add(entry, revoked(source_id="t-1"))

        assert not brought
        assert not entry.shows_access
        assert (entry.revoked_at, entry.revoke_reason) == (NOON - HOUR, "refunded")
        assert [type(event) for event in entry.events] == [GrantRecorded]

    def test_entry_is_announced_with_the_first_right_that_lives(self) -> None:
        entry = an_entry()
        add(entry, revoked(source_id="t-1"))

        assert add(entry, a_grant())
        assert [type(event) for event in entry.events] == [GrantRecorded, GameAdded]
        assert entry.shows_access


class TestRevoke:
    def test_ends_access_and_tells_why(self) -> None:
        entry = an_entry(bought())

        assert taken(entry, at=NOON - HOUR)

        assert (entry.revoked_at, entry.revoke_reason, entry.is_changed) == (NOON - HOUR, "refunded", True)
        assert entry.new_grants == entry.grants
        assert entry.events == [
            AccessRevoked(
                user_id=ALICE,
                game_id=PORTAL,
                occurred_at=NOON,
                game_name="Portal 2",
                reason="refunded",
                grant_kind="purchase",
            )
        ]

    def test_shows_the_next_best_right(self) -> None:
        entry = an_entry(bought(), subscribed())

        assert not taken(entry)

        assert (entry.acquisition_type, entry.access_expires_at) == (SUBSCRIPTION, NOON + HOUR)
        (event,) = entry.events
        assert isinstance(event, GameUpdated)
        assert set(event.changes) == {"acquisition_type", "access_expires_at"}

    def test_only_audits_what_nobody_misses(self) -> None:
        entry = an_entry(bought("t-1"), bought("t-2", granted_at=NOON - HOUR))

        assert not taken(entry, "t-1")

        assert [type(event) for event in entry.events] == [GrantRevoked]

    def test_changes_nothing_the_second_time_or_later(self) -> None:
        entry = an_entry(bought())
        taken(entry)
        entry.events.clear()
        entry.new_grants.clear()

        assert not taken(entry)
        assert not taken(entry, at=NOON + HOUR)

        assert (entry.events, entry.new_grants, entry.revoked_at) == ([], [], NOON)

    def test_leaves_other_transactions_alone(self) -> None:
        entry = an_entry(bought("t-2"))

        assert not taken(entry, "t-1")

        assert (entry.events, entry.shows_access) == ([], True)


class TestHold:
    def test_announces_a_game_that_comes(self) -> None:
        entry = an_entry()

        hold(entry, subscribed())

        assert [type(event) for event in entry.events] == [GameAdded]
        assert (entry.shown_until, entry.access_expires_at) == (NOON + HOUR, NOON + HOUR)

    def test_prolongs_without_a_word(self) -> None:
        entry = an_entry(subscribed())

        hold(entry, subscribed(ends=2 * HOUR))

        assert (entry.events, entry.is_changed) == ([], True)
        assert (len(entry.grants), entry.access_expires_at) == (1, NOON + 2 * HOUR)

    def test_finds_that_it_ran_out_with_nothing_to_write_of_the_right(self) -> None:
        grant = subscribed()
        entry = an_entry(grant)

        hold(entry, grant, now=NOON + HOUR)

        assert [type(event) for event in entry.events] == [AccessRevoked]
        assert (entry.new_grants, entry.is_changed) == ([], True)

    def test_ends_access_before_its_time(self) -> None:
        entry = an_entry(subscribed())

        hold(entry, subscribed(ends=-HOUR))

        (event,) = entry.events
        assert isinstance(event, AccessRevoked)
        assert (event.reason, event.grant_kind) == ("expired", "subscription")
        assert (entry.revoked_at, entry.revoke_reason) == (NOON - HOUR, "expired")

    def test_gives_again_what_it_took(self) -> None:
        entry = an_entry(subscribed())
        hold(entry, subscribed(ends=-HOUR))
        hold(entry, subscribed())

        assert [type(event) for event in entry.events] == [AccessRevoked, GameAdded]
        assert entry.shows_access

    def test_leaves_a_refunded_right_refunded(self) -> None:
        entry = an_entry(revoked(SUBSCRIPTION, source_id="s-1", expires_at=NOON))

        hold(entry, subscribed())

        assert not entry.shows_access
        assert entry.events == []

    def test_says_nothing_of_a_game_that_is_owned_anyway(self) -> None:
        entry = an_entry(a_grant())

        hold(entry, subscribed())

        assert (entry.events, entry.is_changed, len(entry.new_grants)) == ([], False, 1)


class TestRefresh:
    def test_says_that_access_ran_out(self) -> None:
        entry = an_entry(subscribed())

        assert entry.refresh(now=NOON + HOUR, game_name="Portal 2")

        assert [type(event) for event in entry.events] == [AccessRevoked]
        assert (entry.revoked_at, entry.revoke_reason) == (NOON + HOUR, "expired")
        assert entry.new_grants == []

    def test_shows_what_is_left(self) -> None:
        entry = an_entry(subscribed(), a_grant(FREE))

        assert not entry.refresh(now=NOON + HOUR, game_name="Portal 2")

        assert (entry.acquisition_type, entry.shown_until) == (FREE, None)
        assert [type(event) for event in entry.events] == [GameUpdated]

    def test_publishes_nothing_while_another_lasts_that_looks_the_same(self) -> None:
        entry = an_entry(subscribed("s-1"), subscribed("s-2", ends=2 * HOUR))

        assert not entry.refresh(now=NOON + HOUR, game_name="Portal 2")

        assert [(type(event), event.topic) for event in entry.events] == [(RightSucceeded, None)]
        assert entry.is_changed
        assert entry.shown_until == NOON + 2 * HOUR

    @pytest.mark.parametrize("later", [timedelta(0), HOUR / 2])
    def test_changes_nothing_before_its_time(self, later: timedelta) -> None:
        entry = an_entry(subscribed())

        assert not entry.refresh(now=NOON + later, game_name="Portal 2")

        assert (entry.events, entry.is_changed) == ([], False)
