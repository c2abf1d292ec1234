"""Progress on the terminal: what starts, what is ready, how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from library_devstack.stack.component import Component

console = Console()
"""Answers go here."""
notes = Console(stderr=True)
"""Progress goes here, so that the output of `env` and `token` can be used as it is."""


@contextmanager
def step(title: str) -> Iterator["Ready"]:
    """Show a running step and, at its end, how long it took; yield who reports each component that is ready."""
    began = time.monotonic()
    ready = Ready(began)
    with notes.status(title):
        yield ready
    notes.print(f"[green]✓[/] {title} [dim]{time.monotonic() - began:.1f} s[/]")


class Ready:
    """Prints a line for each component; called from the threads that start them."""

    def __init__(self, began: float) -> None:
        self._began = began

    def __call__(self, component: Component) -> None:
        """Print that the component is ready."""
        place = f"127.0.0.1:{component.port}"
        notes.print(
            f"  [green]·[/] {component.name:<9} {place:<16} [dim]{time.monotonic() - self._began:.1f} s[/]"
        )
