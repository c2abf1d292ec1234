"""An evening in seconds: an api and a sweeper whose clocks run faster, on the data of the stack (data 13)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from library_adapters.postgres.migrate import ensure_partitions
from library_adapters.system import FastClock
from library_devstack.demo.evening import BEFORE_MIDNIGHT_MINUTES
from library_devstack.lifecycle import undisturbed
from library_devstack.services import fast_forward, services
from library_devstack.stack import Postgres, Stack
from library_devstack.stack.component import Component
from library_devstack.stack.stack import in_parallel
from library_devstack.stack.state import LOOPBACK

BOOT_SECONDS = 6.0
"""What processes need to start on a busy machine. Their clock is set before and does not wait for them: who starts faster
waits for the evening, who starts slower begins it later."""
_OVER_AFTER = timedelta(hours=6)
"""So long after midnight an evening is over, however slowly they start."""
_CONNECT_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FastForward:
    """Where to play, and what time it is there."""

    api_url: str
    clock: FastClock
    start: datetime
    """The earliest moment, by that clock, at which anybody plays."""
    rate: float


def last_evening(now: datetime) -> datetime:
    """Return when the latest evening that is quite over began: what is played then is in nobody's future."""
    midnight = datetime.combine((now.astimezone(UTC) - _OVER_AFTER).date(), datetime.min.time(), UTC)
    return midnight - timedelta(minutes=BEFORE_MIDNIGHT_MINUTES)


@contextmanager
def fast_forwarded(stack: Stack, *, start: datetime, rate: float) -> Iterator[FastForward]:
    """Run processes whose time reaches `start` when they have had time to start; the ordinary sweeper rests meanwhile.

    Tokens, leases and everything else of the stack keep to the machine's time. Raises StackError.
    """
    sweeper = next(each for each in services(stack) if each.name == "sweeper")
    sweeper.stop()
    with psycopg.connect(
        stack.find(Postgres).dsn(), autocommit=True, connect_timeout=_CONNECT_TIMEOUT_SECONDS
    ) as connection:
        # On the first of a month it lies in the last one, of which a new database has nothing.
        ensure_partitions(connection, today=start)
    epoch = datetime.now(UTC) + timedelta(seconds=BOOT_SECONDS)
    both = fast_forward(
        stack,
        {
            "LIBRARY_CLOCK__DEVELOPMENT": "yes",
            "LIBRARY_CLOCK__RATE": str(rate),
            "LIBRARY_CLOCK__EPOCH": epoch.isoformat(),
            "LIBRARY_CLOCK__START": start.isoformat(),
        },
    )
    try:
        in_parallel(Component.start, both)
        yield FastForward(
            api_url=f"http://{LOOPBACK}:{stack.state.port('fast-api')}",
            clock=FastClock(rate=rate, epoch=epoch, start=start),
            start=start,
            rate=rate,
        )
    except BaseException:
        with undisturbed():
            in_parallel(Component.stop, both)
        raise
    in_parallel(lambda each: each.start() if each is sweeper else each.stop(), (sweeper, *both))
