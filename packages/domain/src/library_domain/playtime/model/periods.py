"""Spans of days that playtime is asked for, and how they are divided (contract 2, details 3.8). Days are UTC, weeks ISO."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Self, TypeVar

from library_domain.shared.errors import ValidationFailed

DEFAULT_DAYS = 30
MAX_DAYS = {"daily": 366, "weekly": 7 * 366, "monthly": 31 * 366}
"""How many days a span may have, by how it is divided: an answer has about 366 periods at most."""
_DAY = timedelta(days=1)
_WEEK = 7
_REPORT = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2]))?")

MomentT = TypeVar("MomentT", date, datetime)


class Aggregation(StrEnum):
    """What playtime is added up by."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"

    def name_of(self, day: date) -> str:
        """Return the name of the period that the day lies in: `2025-04-01`, `2025-W14` or `2025-04`."""
        match self:
            case Aggregation.DAILY:
                return day.isoformat()
            case Aggregation.WEEKLY:
                week = day.isocalendar()
                return f"{week.year}-W{week.week:02}"
            case Aggregation.MONTHLY:
                return f"{day.year:04}-{day.month:02}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The days from `first` up to but not including `end`."""

    first: date
    end: date

    @property
    def last(self) -> date:
        """Return the last of them."""
        return self.end - _DAY

    @property
    def count(self) -> int:
        """Return how many days there are."""
        return (self.end - self.first).days

    def per_week(self, count: int) -> float:
        """Return how many of `count` there are per week on average, rounded to two places."""
        return round(count * _WEEK / self.count, 2)

    @classmethod
    def between(
        cls, start: datetime | None, end: datetime | None, *, now: datetime, longest: int = MAX_DAYS["daily"]
    ) -> Self:
        """Return the days that the half-open time from `start` to `end` touches; by default the last 30.

        Raises ValidationFailed naming `from` or `to` when they are out of order, further apart than `longest` days, or at the
        end of the calendar.
        """
        last = _day_after(now) if end is None else _within_calendar(_day_after, end, "to")
        if start is None:
            first = _within_calendar(lambda day: day - DEFAULT_DAYS * _DAY, last, "to")
        else:
            first = _within_calendar(lambda moment: moment.astimezone(UTC).date(), start, "from")
        if first >= last:
            raise ValidationFailed(field="from", reason="out_of_order")
        if (last - first).days > longest:
            raise ValidationFailed(field="from", reason="too_long", maximum_days=longest)
        return cls(first=first, end=last)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPeriod:
    """A year or a month, by its name: `2026` or `2026-10`."""

    name: str
    days: Days

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the period of this name. Raises ValidationFailed naming `period` for what is no year or month."""
        match = _REPORT.fullmatch(name)
        if match is None or match[1] in ("0000", "9999"):
            raise ValidationFailed(field="period", reason="format")
        year = int(match[1])
        if match[2] is None:
            return cls(name=name, days=Days(first=date(year, 1, 1), end=date(year + 1, 1, 1)))
        month = int(match[2])
        following = date(year + month // 12, month % 12 + 1, 1)
        return cls(name=name, days=Days(first=date(year, month, 1), end=following))


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """Days in a row on which something was played, `last` included."""

    days: int
    first: date
    last: date


def average(total_seconds: int, count: int) -> int:
    """Return the seconds divided by the count, rounded down; 0 if the count is 0."""
    return total_seconds // count if count else 0


def longest_streak(days: list[date]) -> Streak | None:
    """Return the longest run of days in a row, the latest if several are as long; None without days. `days` ascend."""
    best: Streak | None = None
    first = previous = None
    for day in days:
        if first is None or previous is None or day != previous + _DAY:
            first = day
        previous = day
        length = (day - first).days + 1
        if best is None or length >= best.days:
            best = Streak(days=length, first=first, last=day)
    return best


def _within_calendar(day_of: Callable[[MomentT], date], moment: MomentT, field: str) -> date:
    """Return the day of a moment. Raises ValidationFailed naming the field where the calendar has none."""
    try:
        return day_of(moment)
    except OverflowError:
        raise ValidationFailed(field=field, reason="out_of_range") from None


def _day_after(moment: datetime) -> date:
    """Return the first day after a span that ends at `moment`: a day of which the span has any part belongs to it."""
    utc = moment.astimezone(UTC)
    return utc.date() if utc.time() == datetime.min.time() else utc.date() + _DAY
