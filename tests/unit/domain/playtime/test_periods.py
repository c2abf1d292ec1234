"""Spans of days, and what they are divided into (contract 2, details 3.8). Days are UTC, weeks ISO."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from builders import NOON
from hypothesis import given
from hypothesis import strategies as st

from library_domain.playtime.model import MAX_DAYS, Aggregation, Days, ReportPeriod, Streak, longest_streak
from library_domain.shared.errors import ValidationFailed

DAILY, WEEKLY, MONTHLY = Aggregation
TODAY = NOON.date()
DAY = timedelta(days=1)
MOSCOW = timezone(timedelta(hours=3))


def midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


class TestNames:
    @pytest.mark.parametrize(
        ("day", "daily", "weekly", "monthly"),
        [
            (date(2025, 4, 1), "2025-04-01", "2025-W14", "2025-04"),
            (date(2026, 1, 1), "2026-01-01", "2026-W01", "2026-01"),
            (date(2027, 1, 1), "2027-01-01", "2026-W53", "2027-01"),
            (date(2024, 12, 30), "2024-12-30", "2025-W01", "2024-12"),
        ],
    )
    def test_are_those_of_the_calendar(self, day: date, daily: str, weekly: str, monthly: str) -> None:
        assert (DAILY.name_of(day), WEEKLY.name_of(day), MONTHLY.name_of(day)) == (daily, weekly, monthly)

    @pytest.mark.parametrize("by", Aggregation)
    @given(day=st.dates(date(1000, 1, 1)), apart=st.integers(0, 400))
    def test_sort_as_their_days_do(self, by: Aggregation, day: date, apart: int) -> None:
        later = min(day, date.max - 400 * DAY) + apart * DAY

        assert by.name_of(min(day, later)) <= by.name_of(max(day, later))


class TestSpan:
    def test_is_the_last_thirty_days_if_nothing_is_said(self) -> None:
        days = Days.between(None, None, now=NOON)

        assert (days.first, days.end, days.count) == (TODAY - 29 * DAY, TODAY + DAY, 30)

    @pytest.mark.parametrize(
        ("start", "end", "first", "last"),
        [
            pytest.param(NOON - 3 * DAY, NOON, TODAY - 3 * DAY, TODAY, id="inside days, which are included"),
            pytest.param(midnight(TODAY - DAY), midnight(TODAY), TODAY - DAY, TODAY - DAY, id="half-open"),
            pytest.param(NOON, NOON + timedelta(microseconds=1), TODAY, TODAY, id="inside one day"),
            pytest.param(NOON - DAY, None, TODAY - DAY, TODAY, id="until today"),
            pytest.param(None, midnight(TODAY), TODAY - 30 * DAY, TODAY - DAY, id="thirty days before"),
            pytest.param(
                datetime(2026, 11, 1, tzinfo=MOSCOW),
                datetime(2026, 11, 2, tzinfo=MOSCOW),
                date(2026, 10, 31),
                date(2026, 11, 1),
                id="midnights elsewhere",
            ),
        ],
    )
    def test_is_every_day_that_is_touched(
        self, start: datetime | None, end: datetime | None, first: date, last: date
    ) -> None:
        days = Days.between(start, end, now=NOON)

        assert (days.first, days.end) == (first, last + DAY)

    @pytest.mark.parametrize(
        ("start", "end"),
        [(NOON, NOON - DAY), (NOON + 2 * DAY, None), (midnight(TODAY), midnight(TODAY))],
    )
    def test_is_refused_out_of_order(self, start: datetime, end: datetime | None) -> None:
        with pytest.raises(ValidationFailed) as refusal:
            Days.between(start, end, now=NOON)

        assert refusal.value.details == {"field": "from", "reason": "out_of_order"}

    def test_has_at_most_as_many_days_as_are_allowed(self) -> None:
        longest = MAX_DAYS["daily"]
        assert Days.between(midnight(TODAY) - longest * DAY, midnight(TODAY), now=NOON).count == longest

        with pytest.raises(ValidationFailed) as refusal:
            Days.between(midnight(TODAY) - (longest + 1) * DAY, midnight(TODAY), now=NOON)

        assert refusal.value.details == {"field": "from", "reason": "too_long", "maximum_days": longest}

    @given(
        st.none() | st.datetimes(timezones=st.sampled_from([UTC, MOSCOW, timezone(timedelta(hours=-12))])),
        st.none() | st.datetimes(timezones=st.sampled_from([UTC, MOSCOW, timezone(timedelta(hours=-12))])),
    )
    def test_of_any_two_moments_is_given_or_refused(
        self, start: datetime | None, end: datetime | None
    ) -> None:
        with suppress(ValidationFailed):
            assert 1 <= Days.between(start, end, now=NOON).count <= MAX_DAYS["daily"]

    @pytest.mark.parametrize(
        "moment",
        [
            datetime.max.replace(tzinfo=UTC),
            datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
            datetime.min.replace(tzinfo=UTC),
            datetime.min.replace(tzinfo=MOSCOW),
        ],
    )
    def test_at_the_end_of_the_calendar_is_refused_by_name(self, moment: datetime) -> None:
        with pytest.raises(ValidationFailed) as to:
            Days.between(None, moment, now=NOON)
        with pytest.raises(ValidationFailed) as since:
            Days.between(moment, None, now=NOON)

        assert (to.value.details["field"], since.value.details["field"]) == ("to", "from")


class TestReportPeriod:
    @pytest.mark.parametrize(
        ("name", "first", "end"),
        [
            ("2026", date(2026, 1, 1), date(2027, 1, 1)),
            ("2026-10", date(2026, 10, 1), date(2026, 11, 1)),
            ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
            ("0001", date(1, 1, 1), date(2, 1, 1)),
            ("9998-12", date(9998, 12, 1), date(9999, 1, 1)),
        ],
    )
    def test_is_a_year_or_a_month(self, name: str, first: date, end: date) -> None:
        period = ReportPeriod.named(name)

        assert (period.name, period.days.first, period.days.end) == (name, first, end)

    @pytest.mark.parametrize(
        "name",
        ["", "26", "0000", "9999", "2026-00", "2026-13", "2026-1", "2026-10-01", "2026\n", "٢٠٢٦", " 2026"],
    )
    def test_of_another_name_is_refused(self, name: str) -> None:
        with pytest.raises(ValidationFailed) as refusal:
            ReportPeriod.named(name)

        assert refusal.value.details == {"field": "period", "reason": "format"}


class TestStreak:
    @pytest.mark.parametrize(
        ("played", "expected"),
        [
            ([], None),
            ([3], (1, 3, 3)),
            ([1, 2, 3, 5, 6], (3, 1, 3)),
            ([1, 2, 4, 5], (2, 4, 5)),
            ([1, 3, 5], (1, 5, 5)),
        ],
    )
    def test_is_the_longest_the_latest_of_several(
        self, played: list[int], expected: tuple[int, int, int] | None
    ) -> None:
        streak = longest_streak([TODAY.replace(day=day) for day in played])

        assert streak == (
            expected
            and Streak(
                days=expected[0], first=TODAY.replace(day=expected[1]), last=TODAY.replace(day=expected[2])
            )
        )

    @given(st.sets(st.integers(0, 60)))
    def test_is_the_longest_of_all_runs(self, numbers: set[int]) -> None:
        days = [TODAY + number * DAY for number in sorted(numbers)]

        streak = longest_streak(days)

        runs = [
            (length, start)
            for start in numbers
            for length in range(1, 62)
            if all(start + by in numbers for by in range(length))
        ]
        expected = max(runs, default=None)
        assert (streak and (streak.days, (streak.first - TODAY).days)) == expected
