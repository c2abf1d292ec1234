"""One session by its rules, each by examples (contract 4.2, data 6 and 7, details 3.8)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from builders import NOON, a_session, event_id, game_id, user_id

from library_domain.playtime.model import (
    EndedSession,
    EndReason,
    Session,
    SessionStatus,
    started_at,
    whole_second,
)

CLIENT, TIMEOUT, AFK, TAKEN_OVER, _, REVOKED, MAX_DURATION, _ = EndReason
BEFORE_MIDNIGHT = NOON.replace(hour=23, minute=59)

Contact = tuple[int] | tuple[int, int] | tuple[int, int, int]
"""Seconds since the start, idle seconds, suspended seconds."""


def after(seconds: float, start: datetime = NOON) -> datetime:
    return start + timedelta(seconds=seconds)


def played(*contacts: Contact, start: datetime = NOON) -> Session:
    session = a_session(now=start)
    for at, *told in contacts:
        idle, suspended = (*told, 0, 0)[:2]
        session.contact(after(at, start), idle_seconds=idle, suspended_seconds=suspended)
    return session


def every_minute(minutes: int, *, idle: bool = False) -> list[Contact]:
    return [(60 * minute, 60 * minute if idle else 0) for minute in range(1, minutes + 1)]


def counted(ended: EndedSession) -> tuple[int, int, int]:
    """Return the active, the away and the suspended seconds, after looking whether they are all there."""
    length = (ended.end_time - ended.start_time).total_seconds()
    assert ended.duration_seconds + ended.afk_seconds + ended.suspended_seconds == length
    assert min(ended.duration_seconds, ended.afk_seconds, ended.suspended_seconds) >= 0
    return ended.duration_seconds, ended.afk_seconds, ended.suspended_seconds


class TestTime:
    @pytest.mark.parametrize(
        ("contacts", "end", "expected"),
        [
            pytest.param([], 0, (0, 0, 0), id="no time at all"),
            pytest.param([], 100, (100, 0, 0), id="no heartbeat"),
            pytest.param([(60,), (120,)], 170, (170, 0, 0), id="steady"),
            pytest.param([], 180, (180, 0, 0), id="the longest silence"),
            pytest.param([(60, 0, 60)], 120, (60, 0, 60), id="a nap"),
            pytest.param([(60, 0, 20), (120, 0, 30)], 130, (80, 0, 50), id="two naps"),
            pytest.param([(60, 30)], 90, (90, 0, 0), id="a short pause"),
            pytest.param([(60, 30, 60)], 90, (30, 0, 60), id="a nap around the input"),
            pytest.param(
                [(60, 900, 900)], 90, (30, 0, 60), id="no more than the time since the last contact"
            ),
            pytest.param([(60, 60), (120, 120), (180, 180)], 181, (181, 0, 0), id="a pause told in full"),
            pytest.param([(60,), (60,), (60, 5)], 61, (61, 0, 0), id="several contacts in one second"),
            pytest.param([(100,), (40,), (110,)], 120, (120, 0, 0), id="a contact from the past"),
            pytest.param(every_minute(10, idle=True), 600, (600, 0, 0), id="a pause of ten minutes"),
            pytest.param(every_minute(10, idle=True), 601, (0, 601, 0), id="a pause of more"),
            pytest.param([*every_minute(10, idle=True), (660, 5)], 661, (6, 655, 0), id="back from away"),
            pytest.param(
                [(60, 60, 60), *((60 * n, 60 * n) for n in range(2, 12))],
                660,
                (600, 0, 60),
                id="asleep is not away",
            ),
        ],
    )
    def test_is_active_away_or_suspended(
        self, contacts: list[Contact], end: int, expected: tuple[int, int, int]
    ) -> None:
        ended = played(*contacts).end(after(end), CLIENT)

        assert counted(ended) == expected
        assert ended.end_time == after(end)

    def test_is_cut_to_whole_seconds_before_anything_is_computed(self) -> None:
        session = a_session(now=after(0.9))
        session.contact(after(60.1))

        ended = session.end(after(119.999), CLIENT)

        assert (ended.start_time, ended.end_time) == (NOON, after(119))
        assert counted(ended) == (119, 0, 0)

    def test_of_a_pause_is_counted_when_somebody_is_back(self) -> None:
        session = played((60, 10), (120, 70))
        assert session.played_seconds == 50

        session.contact(after(180))

        assert session.played_seconds == 180

    def test_of_an_input_long_ago_is_no_input_now(self) -> None:
        session = played((60, 60))

        assert session.last_input_at == NOON
        assert session.played_seconds == 0

    @pytest.mark.parametrize(
        ("length", "days"),
        [
            (59, {23: 59}),
            (60, {23: 60}),
            (61, {23: 60, 24: 1}),
            (180, {23: 60, 24: 120}),
        ],
    )
    def test_is_divided_at_midnight(self, length: int, days: dict[int, int]) -> None:
        ended = played(start=BEFORE_MIDNIGHT).end(after(length, BEFORE_MIDNIGHT), CLIENT)

        assert {share.day.day: share.active_seconds for share in ended.days} == days
        assert [share.sessions for share in ended.days] == [1, 0][: len(days)]

    def test_of_a_nap_over_midnight_counts_on_neither_day(self) -> None:
        ended = played((40,), (120, 0, 80), start=BEFORE_MIDNIGHT).end(after(130, BEFORE_MIDNIGHT), CLIENT)

        assert [share.active_seconds for share in ended.days] == [40, 10]

    def test_of_a_day_that_nobody_played_on_is_told_of_the_first_day_alone(self) -> None:
        ended = played((60, 60), (120, 120), start=BEFORE_MIDNIGHT).end(after(400, BEFORE_MIDNIGHT), CLIENT)

        assert ended.reason is TIMEOUT
        assert [(share.active_seconds, share.sessions) for share in ended.days] == [(0, 1)]


class TestStatus:
    @pytest.mark.parametrize(
        ("contacts", "status"),
        [
            ([], SessionStatus.ACTIVE),
            (every_minute(10, idle=True), SessionStatus.ACTIVE),
            ([*every_minute(10, idle=True), (601, 601)], SessionStatus.AFK),
            ([*every_minute(11, idle=True), (661,)], SessionStatus.ACTIVE),
            ([(60, 60, 60), *((60 * n, 60 * n) for n in range(2, 12))], SessionStatus.ACTIVE),
        ],
    )
    def test_is_what_the_last_contact_left(self, contacts: list[Contact], status: SessionStatus) -> None:
        assert played(*contacts).status is status


class TestRules:
    @pytest.mark.parametrize(
        ("contacts", "lives_until", "end", "reason", "expected"),
        [
            pytest.param([], 180, 0, TIMEOUT, (0, 0, 0), id="never heard of again"),
            pytest.param([(60,)], 240, 60, TIMEOUT, (60, 0, 0), id="silent"),
            pytest.param([(60, 20)], 240, 60, TIMEOUT, (40, 20, 0), id="silent after a pause"),
            pytest.param([(60, 20, 50)], 240, 60, TIMEOUT, (0, 10, 50), id="silent after a nap"),
            pytest.param(every_minute(58, idle=True), 3_599, 0, AFK, (0, 0, 0), id="away from the beginning"),
            pytest.param(
                [(100,), *((60 * n, 60 * n) for n in range(2, 61))],
                3_699,
                100,
                AFK,
                (100, 0, 0),
                id="away since",
            ),
            pytest.param(
                [(100,), *((60 * n, 60 * n, 30) for n in range(2, 61))],
                3_699,
                100,
                AFK,
                (100, 0, 0),
                id="naps",
            ),
            pytest.param(every_minute(1_439), 86_399, 86_400, MAX_DURATION, (86_400, 0, 0), id="a whole day"),
            pytest.param(
                [*every_minute(1_435), (86_160, 60), (86_280, 180)],
                86_399,
                86_400,
                MAX_DURATION,
                (86_400, 0, 0),
                id="a whole day with a pause at its end",
            ),
        ],
    )
    def test_end_it(
        self,
        contacts: list[Contact],
        lives_until: int,
        end: int,
        reason: EndReason,
        expected: tuple[int, int, int],
    ) -> None:
        session = played(*contacts)

        assert session.over(after(lives_until + 0.999)) is None
        assert session.over(after(lives_until + 1)) is not None
        for noticed in (1, 2, 1_000, 1_000_000):
            ended = session.end(after(lives_until + noticed), CLIENT)
            assert (ended.end_time, ended.reason) == (after(end), reason)
            assert ended.over_since == after(lives_until + 1)
            assert counted(ended) == expected

    def test_decide_in_the_order_in_which_they_are_broken(self) -> None:
        silent_first = played(*every_minute(55, idle=True))
        away_first = played(*every_minute(58, idle=True))

        much_later = after(1_000_000)

        assert silent_first.end(much_later, CLIENT).reason is TIMEOUT
        assert away_first.end(much_later, CLIENT).reason is AFK

    @pytest.mark.parametrize("reason", [CLIENT, TAKEN_OVER, REVOKED])
    def test_let_whoever_ends_a_living_session_say_why(self, reason: EndReason) -> None:
        ended = played((60,)).end(after(100), reason)

        assert (ended.reason, ended.end_time, ended.over_since) == (reason, after(100), after(100))

    def test_refuse_signs_of_life_of_a_session_that_is_over(self) -> None:
        session = played()

        with pytest.raises(ValueError, match="over"):
            session.contact(after(181))

    def test_take_a_moment_before_the_last_contact_as_that_contact(self) -> None:
        ended = played((100,)).end(after(40), CLIENT)

        assert ended.end_time == after(100)
        assert counted(ended) == (100, 0, 0)

    def test_leave_the_session_as_it_is_until_it_is_stored(self) -> None:
        session = played((60, 10))
        before = (
            session.played_seconds,
            session.afk_seconds,
            session.last_input_at,
            session.last_heartbeat_at,
        )

        session.end(after(100), CLIENT)

        assert before == (
            session.played_seconds,
            session.afk_seconds,
            session.last_input_at,
            session.last_heartbeat_at,
        )


class TestStart:
    @pytest.mark.parametrize(
        ("told", "noted"),
        [
            (None, None),
            (after(0.5), None),
            (after(300), None),
            (after(-300), None),
            (after(301), 301),
            (after(-301), -301),
            (after(86_400 * 365), 86_400 * 365),
        ],
    )
    def test_notes_a_clock_that_is_far_off_and_never_believes_it(
        self, told: datetime | None, noted: int | None
    ) -> None:
        session = a_session(now=NOON, client_time=told)

        assert session.clock_skew_seconds == noted
        assert session.start_time == session.last_heartbeat_at == session.last_input_at == NOON

    def test_is_told_with_what_is_known_of_it(self) -> None:
        session = a_session(now=after(0.5))

        event = session.started(now=after(0.5), game_name="Portal 2")

        assert event.event_type == "library.session.started"
        assert event.topic == "playtime-events"
        assert (event.session_id, event.start_time, event.owner_id) == (session.id, NOON, session.owner_id)
        assert event.occurred_at == after(0.5)


class TestEnd:
    def test_keeps_who_played_what_on_what(self) -> None:
        session = a_session(device_id="deck", platform="linux", game_version="2.1", owner_id=user_id("bob"))

        ended = session.end(after(10), CLIENT)

        for name in (
            "id",
            "user_id",
            "game_id",
            "library_item_id",
            "owner_id",
            "device_id",
            "platform",
            "game_version",
        ):
            assert getattr(ended, name) == getattr(session, name)

    def test_keeps_when_the_client_was_last_heard_of(self) -> None:
        assert played((60,)).end(after(100), CLIENT).last_heartbeat_at == after(60)

    @pytest.mark.parametrize(("contacts", "told"), [([], False), ([(60,)], False), ([(60, 1), (120,)], True)])
    def test_tells_whether_the_client_ever_spoke_of_idle_time(
        self, contacts: list[Contact], told: bool
    ) -> None:
        assert played(*contacts).end(after(150), CLIENT).told_idle is told


class TestId:
    def test_bears_the_start(self) -> None:
        minted = UUID(int=(int(NOON.timestamp() * 1_000) << 80) | (7 << 76) | (2 << 62))

        assert started_at(minted) == NOON

    @pytest.mark.parametrize(
        "value",
        [
            event_id("version five"),
            game_id("Portal 2"),
            UUID(int=0),
            UUID(int=((1 << 48) - 1) << 80 | 7 << 76 | 2 << 62),
        ],
    )
    def test_of_no_session_bears_none(self, value: Any) -> None:
        assert started_at(value) is None


def test_a_whole_second_is_cut_never_rounded() -> None:
    assert whole_second(after(1.999_999)) == after(1)
