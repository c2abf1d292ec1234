"""What a session must come to, told second by second: slow, plain, and nothing of it taken from the entity (data 6 and 7).

A session is a row of seconds. Each contact adds the seconds since the one before; an input decides on those that nobody
had decided on yet.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Self

ACTIVE, AWAY, ASLEEP, UNDECIDED = b"a", b"-", b"z", b"?"
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class End:
    """What is left of a session: all in whole seconds, `over_since` and `end` as moments."""

    reason: str
    start: datetime
    end: datetime
    over_since: datetime
    active_by_day: dict[date, int]
    afk: int
    suspended: int

    @property
    def active(self) -> int:
        return sum(self.active_by_day.values())


@dataclass(kw_only=True)
class Timeline:
    """One running session: a letter for each second from its start to its last contact."""

    start: datetime
    seconds: bytearray = field(default_factory=bytearray)
    input: int = 0
    """The second of the last input; those since then may be UNDECIDED or ASLEEP."""

    @classmethod
    def beginning(cls, now: datetime) -> Self:
        return cls(start=now.replace(microsecond=0))

    def copy(self) -> "Timeline":
        return Timeline(start=self.start, seconds=bytearray(self.seconds), input=self.input)

    @property
    def played(self) -> int:
        return self.seconds.count(ACTIVE)

    @property
    def is_afk(self) -> bool:
        return self.seconds.count(UNDECIDED) > 600

    def broken(self, now: datetime) -> tuple[str, int, int] | None:
        """Walk the seconds since the last contact; return the first rule that breaks, where that ends it, and when."""
        contact = len(self.seconds)
        for second in range(contact, self._second(now) + 1):
            if second - contact > 180:
                return "timeout", contact, second
            if second - self.input >= 3_600:
                return "afk", self.input, second
            if second >= 86_400:
                return "max_duration", 86_400, second
        return None

    def contact(self, now: datetime, *, idle: int = 0, asleep: int = 0) -> None:
        gap = max(0, self._second(now) - len(self.seconds))
        somebody_is_there = idle == 0 or idle < gap
        after = min(idle, gap)
        before = gap - after
        slept = min(asleep, gap)
        # Who wakes the device comes before the input: so much of the sleep as fits was before it.
        slept_before = min(slept, before)
        self.seconds += UNDECIDED * (before - slept_before) + ASLEEP * slept_before
        if somebody_is_there:
            self._decide()
        slept_after = slept - slept_before
        self.seconds += UNDECIDED * (after - slept_after) + ASLEEP * slept_after

    def end(self, now: datetime, reason: str) -> End:
        """Return what is left if somebody ends it now, or what its own rules left of it before."""
        left = self.copy()
        broken = self.broken(now)
        if broken is None:
            left.contact(now)
            over_since = len(left.seconds)
        else:
            reason, end, over_since = broken
            match reason:
                case "timeout":
                    left.seconds = left.seconds.replace(UNDECIDED, AWAY)
                case "afk":
                    del left.seconds[end:]
                case _:
                    left.contact(self.start + end * SECOND)
            assert len(left.seconds) == end
        return left._left(reason, over_since)

    def _left(self, reason: str, over_since: int) -> End:
        assert UNDECIDED not in self.seconds
        midnight = datetime.combine(self.start.date() + DAY, datetime.min.time(), self.start.tzinfo)
        today = self._second(midnight)
        by_day = {self.start.date(): self.seconds[:today].count(ACTIVE)}
        if tomorrow := self.seconds[today:].count(ACTIVE):
            by_day[midnight.date()] = tomorrow
        return End(
            reason=reason,
            start=self.start,
            end=self.start + len(self.seconds) * SECOND,
            over_since=self.start + over_since * SECOND,
            active_by_day=by_day,
            afk=self.seconds.count(AWAY),
            suspended=self.seconds.count(ASLEEP),
        )

    def _decide(self) -> None:
        """Somebody is there again. When the device slept since the last input nobody knows: last of all, is assumed."""
        tail = self.seconds[self.input :]
        awake = tail.count(UNDECIDED)
        asleep = tail.count(ASLEEP)
        kind = ACTIVE if awake <= 600 else AWAY
        self.seconds[self.input :] = kind * awake + ASLEEP * asleep
        self.input = len(self.seconds)

    def _second(self, now: datetime) -> int:
        return (now.replace(microsecond=0) - self.start) // SECOND
