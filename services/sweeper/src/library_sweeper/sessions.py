"""The walk through all running sessions, in parts side by side, that ends those that are over (data 8, 9 and 27)."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from loguru import logger

from library_domain.playtime.model import SessionId
from library_domain.playtime.ports import FoundSession
from library_domain.playtime.use_cases.sweep_sessions import SweepSessions, SweepSessionsResult
from library_domain.shared.ids import UserId
from library_sweeper.metrics import SessionMetrics

_USERS = 1 << 128
_TELL_SECONDS = 5.0

Sweep = Callable[[SweepSessions], Awaitable[SweepSessionsResult]]


@dataclass(slots=True)
class Part:
    """The users from one id up to, but not including, another; `after` is how far it was walked."""

    first: int
    end: int
    after: FoundSession | None = None
    is_done: bool = False

    def next_batch(self, limit: int) -> SweepSessions:
        """Return what to do next."""
        after = self.after
        if after is None and self.first:
            # No session has this id, so that the first user's own are behind it.
            after = FoundSession(user_id=UserId(UUID(int=self.first)), session_id=SessionId(UUID(int=0)))
        before = UserId(UUID(int=self.end)) if self.end < _USERS else None
        return SweepSessions(limit=limit, after=after, before=before)

    @property
    def walked(self) -> int:
        """Return how many of its user ids lie behind."""
        if self.is_done:
            return self.end - self.first
        return 0 if self.after is None else self.after.user_id.int - self.first


class Walk:
    """One walk through all users, in a circle from a random id, so that several sweepers rarely meet."""

    def __init__(self, start: int, *, parts: int) -> None:
        self._parts = list(_around(start, parts))
        self.ended = 0
        self.busy = 0
        self.failed = 0

    @property
    def left(self) -> list[Part]:
        """Return the parts that are not at their end, in order."""
        return [part for part in self._parts if not part.is_done]

    def tell(self) -> None:
        """Log how far it is, unless there was nothing to do."""
        if self.ended or self.busy or self.failed:
            percent = 100 * sum(part.walked for part in self._parts) // _USERS
            logger.info(
                "sessions are swept",
                walked=f"{percent} %",
                ended=self.ended,
                busy=self.busy,
                failed=self.failed,
            )


def anywhere() -> int:
    """Return a random user id, as a number, to begin a walk at."""
    return random.getrandbits(128)


class SessionsTask:
    """The task `sessions`: each call does the next batch of several parts of the walk.

    Only the position of each part is kept, so memory is flat. A walk that the deadline cuts off goes on from there in the
    next pass of the same process; a new process begins a new walk, which finds what is left.
    """

    def __init__(
        self,
        sweep: Sweep,
        *,
        at_the_end: Callable[[], Awaitable[None]],
        metrics: SessionMetrics,
        limit: int,
        parallel: int,
        place: Callable[[], int] = anywhere,
    ) -> None:
        """`limit` sessions make a batch; each of `parallel` batches wants a connection; `at_the_end` of a walk is called."""
        self._sweep = sweep
        self._at_the_end = at_the_end
        self._metrics = metrics
        self._limit = limit
        self._parallel = parallel
        self._place = place
        self._walk: Walk | None = None
        self._tell_at = 0.0

    async def __call__(self) -> tuple[int, bool]:
        """Return how many sessions were ended, and whether there is more to walk.

        Raises RuntimeError at the end of a walk in which sessions could not be ended.
        """
        if self._walk is None:
            self._walk = Walk(self._place(), parts=self._parallel)
            self._tell_at = monotonic() + _TELL_SECONDS
        walk, before = self._walk, self._walk.ended
        # Each is waited for, whatever becomes of the others: none may be at work when the pool is closed.
        steps = (self._step(walk, part) for part in walk.left[: self._parallel])
        for outcome in await asyncio.gather(*steps, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        if walk.left:
            if monotonic() > self._tell_at:
                self._tell_at = monotonic() + _TELL_SECONDS
                walk.tell()
            return walk.ended - before, True
        self._walk = None
        walk.tell()
        await self._at_the_end()
        if walk.failed:
            msg = f"{walk.failed} sessions could not be ended"
            raise RuntimeError(msg)
        return walk.ended - before, False

    async def _step(self, walk: Walk, part: Part) -> None:
        result = await self._sweep(part.next_batch(self._limit))
        self._metrics.observe(result)
        if result.failed:
            # The whole database may be amiss, of which thousands of lines would tell no more than one.
            session, error = result.failed[0]
            logger.bind(user=session.user_id, session=session.session_id, sessions=len(result.failed)).opt(
                exception=error
            ).error("sessions could not be ended")
        walk.ended += sum(result.ended.values())
        walk.busy += result.busy
        walk.failed += len(result.failed)
        part.after = result.next_after
        part.is_done = result.next_after is None


def _around(start: int, parts: int) -> Iterator[Part]:
    """Divide all user ids into parts of one size, the first of which begins at `start`.

    The part that crosses the greatest id comes as two.
    """
    for number in range(parts):
        first, end = (start + each * _USERS // parts for each in (number, number + 1))
        if first < _USERS < end:
            yield Part(first, _USERS)
            yield Part(0, end - _USERS)
        else:
            around = first // _USERS * _USERS
            yield Part(first - around, end - around)
