"""How long the caller of this task still waits: the one place where a deadline reaches the database (details 3.6).

A door says it, the pool heeds it: nothing is begun for a caller who has gone, and what is begun ends on the server, too,
about when they go, whatever becomes of this process meanwhile.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

_ends_at: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Let the block ask the database for at most so many seconds from now; None: the settings alone are its bounds.

    A block inside another may shorten the time, not lengthen it.
    """
    outer = _ends_at.get()
    ends_at = None if seconds is None else monotonic() + seconds
    given = [end for end in (outer, ends_at) if end is not None]
    token = _ends_at.set(min(given, default=None))
    try:
        yield
    finally:
        _ends_at.reset(token)


def seconds_left() -> float | None:
    """Return for how many seconds the caller still waits, 0 when the time is over; None if nobody said."""
    ends_at = _ends_at.get()
    return None if ends_at is None else max(0.0, ends_at - monotonic())
