"""Time and identifiers from the machine: the real `Clock` and `IdSource` of the domain."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field
from uuid_utils import compat

from library_domain.shared.clock import Clock

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS = 1_000_000
"""In a millisecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSettings:
    """The section `clock`: how fast time passes for the rules (data 13).

    Every process of a deployment must have the same values. Tokens, leases and waits keep to the machine's time.
    """

    development: bool = False
    """Whether this is a development machine; elsewhere the settings below are refused."""
    rate: Annotated[float, Field(ge=1, le=100_000)] = 1.0
    """How many seconds pass for the rules in a second of the machine's, from `epoch` on."""
    epoch: AwareDatetime | None = None
    """The machine's time, with an offset, from which on time passes at this rate."""
    start: AwareDatetime | None = None
    """The time that the rules see at `epoch`, to replay the past; `epoch` itself by default."""

    def __post_init__(self) -> None:
        """Refuse another time than the machine's outside development, and one that processes could not share."""
        if self.rate == 1 and self.epoch is None and self.start is None:
            return
        if not self.development:
            raise ValueError("another time than the machine's is for development only")
        if self.epoch is None:
            raise ValueError("another time than the machine's needs an epoch, the same for every process")


class SystemClock:
    """Tells the machine's time (data 13); implements `library_domain.shared.clock.Clock`."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)


class FastClock:
    """Tells a time that passes `rate` times as fast as the machine's; implements `Clock`.

    At the machine's `epoch` it tells `start`. Processes with the same values tell the same time.
    """

    def __init__(self, *, rate: float, epoch: datetime, start: datetime) -> None:
        self._rate = rate
        self._epoch = epoch
        self._start = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return self._start + (datetime.now(UTC) - self._epoch) * self._rate


def clock_of(settings: ClockSettings) -> Clock:
    """Return the clock by which the rules of this process go."""
    if settings.epoch is None:
        return SystemClock()
    return FastClock(rate=settings.rate, epoch=settings.epoch, start=settings.start or settings.epoch)


class Uuid7Source:
    """Mints UUIDv7, ascending within a process; implements `library_domain.shared.ids.IdSource`."""

    def new(self) -> UUID:
        """Return a new UUIDv7 (contract 1)."""
        return compat.uuid7()

    def new_at(self, moment: datetime) -> UUID:
        """Return a new UUIDv7 whose millisecond is that of `moment` (data 8)."""
        milliseconds = (moment - _UNIX_EPOCH) // timedelta(milliseconds=1)
        return compat.uuid7(nanoseconds=milliseconds * _NANOSECONDS)
