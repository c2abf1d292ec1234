"""How many calls run, and the gate that closes when the process is to stop (reliability 2 #2)."""

import asyncio

from grpclib.const import Status

from library_grpc.errors import Refusal


class Admission:
    """Counts the calls in progress by their tasks, which end after the answer was sent."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def enter(self) -> None:
        """Count the current task as a call until it ends. Raises Refusal when the gate is closed or all is full."""
        if self._closed:
            raise Refusal(Status.UNAVAILABLE, "UNAVAILABLE", "This process is stopping; ask another.")
        if len(self._tasks) >= self._limit:
            raise Refusal(Status.UNAVAILABLE, "UNAVAILABLE", "Too many calls at a time; ask again.")
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call is a task")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, seconds: float) -> int:
        """Let nobody in any more, wait at most so long for the calls in progress; return how many still run."""
        self._closed = True
        if not self._tasks:
            return 0
        _, running = await asyncio.wait(self._tasks, timeout=seconds)
        return len(running)
