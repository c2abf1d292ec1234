"""Starting and stopping the stack with and without our deployables, in the right order."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from library_devstack.console import step
from library_devstack.services import fast_forward, migrate, services
from library_devstack.stack import Stack, StackError
from library_devstack.stack.component import Component
from library_devstack.stack.stack import in_parallel

RUN = "demo"
"""The lock that a run holds from its start to its end."""
# Longer than a run needs to stop everything, at worst in the middle of its start.
_END_OF_RUN_SECONDS = 120.0


def set_clock(stack: Stack, rate: float) -> None:
    """Let time pass at this rate, from now on, in every deployable that is started. Raises StackError if one runs by another.

    With a rate of 1 they go by the machine's time; then what was done in a faster one lies in the future.
    """
    before = stack.state.clock.get("RATE", str(1.0))
    if any(each.process.running for each in services(stack)):
        if before != str(rate):
            raise StackError(f"time passes at a rate of {before} in what runs; stop it first")
    elif rate == 1:
        stack.state.set_clock({})
    else:
        now = datetime.now(UTC).isoformat()
        stack.state.set_clock({"DEVELOPMENT": "yes", "RATE": str(rate), "EPOCH": now})


def bring_up(stack: Stack, *, with_services: bool) -> None:
    """Start what does not run: the servers, then the schema, then the deployables. Raises StackError."""
    with step("stack") as ready:
        stack.start(on_ready=ready)
    if with_services:
        with step("migrations"):
            migrate(stack)
        with step("deployables") as ready:

            def start(service: Component) -> None:
                service.start()
                ready(service)

            in_parallel(start, services(stack))


def end_run(stack: Stack) -> None:
    """End the `library-dev run` that is on, if one is: it stops what it started, and so does not complain of ours."""
    run = stack.state.holder(RUN)
    if run is not None:
        with step(f"ending the run (pid {run.pid})"):
            run.end(timeout_seconds=_END_OF_RUN_SECONDS)


def take_down(stack: Stack) -> None:
    """Stop the deployables, the relay after the others, then the servers: nothing loses what it is writing to."""
    everything = (*services(stack), *fast_forward(stack, {}))
    with step("stopping"):
        in_parallel(
            lambda service: service.stop(), [service for service in everything if not service.stops_last]
        )
        in_parallel(lambda service: service.stop(), [service for service in everything if service.stops_last])
        stack.stop()


@contextmanager
def running(stack: Stack) -> Iterator[None]:
    """Stop everything when the block ends, however it ends."""
    try:
        yield
    finally:
        with undisturbed():
            take_down(stack)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore SIGINT and SIGTERM during a stop, which is bounded: an impatient second Ctrl-C would leave processes."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
