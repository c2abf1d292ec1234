"""What has no day before or after it in the calendar is refused by its name, not by an error of Python's."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from library_domain.playtime.model import Days
from library_domain.shared.errors import ValidationFailed

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - the zone is beside it


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (None, LAST.replace(tzinfo=UTC), "to"),
        (None, LAST.replace(tzinfo=WEST), "to"),
        (None, FIRST.replace(tzinfo=UTC) + timedelta(days=3), "to"),
        (FIRST.replace(tzinfo=EAST), None, "from"),
        (LAST.replace(tzinfo=WEST), None, "from"),
    ],
)
def test_the_field_is_named(start: datetime | None, end: datetime | None, field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        Days.between(start, end, now=NOW)

    assert refused.value.details == {"field": field, "reason": "out_of_range"}


def test_the_first_and_the_last_day_that_there_are_can_be_asked_for() -> None:
    first = Days.between(FIRST.replace(tzinfo=UTC), FIRST.replace(tzinfo=UTC) + timedelta(days=1), now=NOW)
    last = Days.between(datetime(9999, 12, 30, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), now=NOW)

    assert (first.first, first.count) == (date(1, 1, 1), 1)
    assert (last.end, last.count) == (date(9999, 12, 31), 1)
