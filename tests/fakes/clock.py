"""Time and ids that a test decides."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


class SequentialIds:
    """Mints 00000000-0000-7000-8000-000000000001 and so on."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> UUID:
        self._last += 1
        return UUID(int=(7 << 76) | (8 << 60) | self._last)

    def new_at(self, moment: datetime) -> UUID:
        milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        return UUID(int=(milliseconds << 80) | self.new().int)
