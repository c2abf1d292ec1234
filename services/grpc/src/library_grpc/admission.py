"""How many calls run, and the gate that closes when the process is to stop (reliability 2 #2, D3)."""

import asyncio

from grpclib.const import Status

from library_grpc.errors import Refusal


class Admission:
    """Counts calls by their tasks, which end after the answer was sent.

    `limit` calls may work on their request at a time; more are refused. `silent` may wait for theirs to come: when there is
    one more, the time of the one that waits longest is over. So callers who say nothing keep nobody out.
    """

    def __init__(self, *, limit: int, silent: int) -> None:
        self._limit = limit
        self._silent_limit = silent
        self._closed = False
        self._silent: dict[asyncio.Task[None], asyncio.Timeout] = {}
        self._running: set[asyncio.Task[None]] = set()

    def enter(self, time: asyncio.Timeout) -> None:
        """Count the current task, whose time this is, as a call that waits for its request.

        Raises Refusal when the gate is closed.
        """
        if self._closed:
            raise Refusal(Status.UNAVAILABLE, "UNAVAILABLE", "This process is stopping; ask another.")
        if len(self._silent) >= self._silent_limit:
            longest = self._silent.pop(next(iter(self._silent)))
            if not longest.expired():
                longest.reschedule(asyncio.get_running_loop().time())
        task = _this_call()
        self._silent[task] = time
        task.add_done_callback(lambda _: self._silent.pop(task, None))

    def begin(self) -> None:
        """Count the current task, if it has entered, as one that works on its request. Raises Refusal when all is full."""
        task = _this_call()
        if self._silent.pop(task, None) is None:
            return
        if len(self._running) >= self._limit:
            raise Refusal(Status.UNAVAILABLE, "UNAVAILABLE", "Too many calls at a time; ask again.")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self, seconds: float) -> int:
        """Let nobody in any more, wait at most so long for the calls in progress; return how many still run."""
        self._closed = True
        if not (calls := {*self._silent, *self._running}):
            return 0
        _, unfinished = await asyncio.wait(calls, timeout=seconds)
        return len(unfinished)


def _this_call() -> asyncio.Task[None]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a call is a task")
    return task
