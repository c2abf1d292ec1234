"""Starting and stopping the stack with and without our deployables, in the right order."""

import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from library_devstack.console import Ready, step
from library_devstack.services import migrate, services
from library_devstack.stack import Stack
from library_devstack.stack.component import Component


def bring_up(stack: Stack, *, with_services: bool) -> None:
    """Start what does not run: the servers, then the schema, then the deployables. Raises StackError."""
    with step("stack") as ready:
        stack.start(on_ready=ready)
    if with_services:
        with step("migrations"):
            migrate(stack)
        with step("deployables") as ready:
            _start(services(stack), ready)


def take_down(stack: Stack) -> None:
    """Stop the deployables, then the servers: nobody loses what he is writing to."""
    with step("stopping"):
        for service in reversed(services(stack)):
            service.stop()
        stack.stop()


@contextmanager
def running(stack: Stack) -> Iterator[None]:
    """Stop everything when the block ends, however it ends."""
    try:
        yield
    finally:
        # An impatient second Ctrl-C would leave processes behind; the stop is bounded.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            take_down(stack)
        finally:
            signal.signal(signal.SIGINT, before)


def _start(components: Iterable[Component], ready: Ready) -> None:
    def start(component: Component) -> None:
        component.start()
        ready(component)

    with ThreadPoolExecutor() as threads:
        for task in [threads.submit(start, component) for component in components]:
            task.result()
