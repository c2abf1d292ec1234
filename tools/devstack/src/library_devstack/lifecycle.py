"""Starting and stopping the stack with and without our deployables, in the right order."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from library_devstack.console import step
from library_devstack.services import migrate, services
from library_devstack.stack import Stack
from library_devstack.stack.component import Component
from library_devstack.stack.stack import in_parallel


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


def take_down(stack: Stack) -> None:
    """Stop the deployables, the relay after the others, then the servers: nothing loses what it is writing to."""
    everything = services(stack)
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
        # An impatient second Ctrl-C would leave processes behind; the stop is bounded.
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
        try:
            take_down(stack)
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
