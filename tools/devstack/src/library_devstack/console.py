"""Progress on the terminal: what starts, what is ready, how long it took."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from library_devstack.stack.component import Component


def _program() -> str:
    installed = Path(sys.executable).with_name("library-dev")
    if shutil.which(installed.name) == str(installed):
        return installed.name
    return str(installed.relative_to(Path.cwd()) if installed.is_relative_to(Path.cwd()) else installed)


PROGRAM = _program()
"""How the caller can type us, where they are."""
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
        line = f"  [green]·[/] {component.name:<9} {component.address:<16} [dim]{time.monotonic() - self._began:4.1f} s"
        health = f"  health at {component.health_address}" if component.health_address else ""
        notes.print(f"{line}{health}[/]", highlight=False, soft_wrap=True)
