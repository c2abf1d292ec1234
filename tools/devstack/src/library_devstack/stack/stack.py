"""The components together."""

import shutil
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from library_devstack.stack.component import Component
from library_devstack.stack.errors import StackError
from library_devstack.stack.kafka import Kafka
from library_devstack.stack.postgres import Postgres
from library_devstack.stack.redis import Redis
from library_devstack.stack.s3 import S3
from library_devstack.stack.standins import Standins
from library_devstack.stack.state import State

_C = TypeVar("_C", bound=Component)

_DEVELOPMENT_KEY = "signs cursors on loopback, for development only"
_PASS_SECONDS, _SHORTEST_INTERVAL_SECONDS = 60.0, 0.2


class Stack:
    """Every component, over one state directory.

    A context manager starts what is not running and stops everything on the way out; `start` and `stop` alone let
    the stack outlive the command. `data` is the directory of the public data when Catalog shall know all of it. Every method blocks; call them through `asyncio.to_thread` from a coroutine.
    """

    def __init__(
        self,
        directory: Path,
        *,
        durable: bool = True,
        ports: Mapping[str, int] | None = None,
        data: Path | None = None,
    ) -> None:
        self.state = State(directory, ports=ports)
        self.components: tuple[Component, ...] = (
            Postgres(self.state, durable=durable),
            Redis(self.state),
            S3(self.state),
            Kafka(self.state),
            Standins(self.state, data=data),
        )

    def component(self, name: str) -> Component:
        """Return the component of this name. Raises StackError when there is none."""
        for component in self.components:
            if component.name == name:
                return component
        known = ", ".join(component.name for component in self.components)
        raise StackError(f"no component {name!r}; there are: {known}")

    def find(self, kind: type[_C]) -> _C:
        """Return the component of this class, typed."""
        return next(component for component in self.components if isinstance(component, kind))

    def start(
        self,
        *,
        only: Collection[str] | None = None,
        on_ready: Callable[[Component], None] = lambda _: None,
    ) -> None:
        """Start what does not run, in parallel; `on_ready` hears of each component, from its own thread.

        Raises the first failure after all have been tried; the components that came up stay up.
        """
        chosen = [component for component in self.components if only is None or component.name in only]

        def start_one(component: Component) -> None:
            component.start()
            on_ready(component)

        with self.state.locked():
            in_parallel(start_one, chosen)

    def stop(self, *, immediate: bool = False) -> None:
        """Stop every component, in parallel."""
        with self.state.locked():
            in_parallel(lambda component: component.stop(immediate=immediate), self.components)

    def destroy(self) -> None:
        """Stop everything and remove every trace, the state directory included."""
        in_parallel(lambda component: component.destroy(), self.components)
        shutil.rmtree(self.state.directory, ignore_errors=True)

    def env(self) -> dict[str, str]:
        """Return the variables by which clients and our deployables find the components."""
        return {
            "LIBRARY_HTTP__CURSOR_KEY": _DEVELOPMENT_KEY,
            **self._clock(),
            **{name: value for component in self.components for name, value in component.env().items()},
        }

    def _clock(self) -> dict[str, str]:
        """Return what tells the deployables of a faster time, in which a pass of the sweeper comes each minute too."""
        clock = self.state.clock
        if not clock:
            return {}
        interval = max(_PASS_SECONDS / float(clock["RATE"]), _SHORTEST_INTERVAL_SECONDS)
        return {
            **{f"LIBRARY_CLOCK__{name}": value for name, value in clock.items()},
            "LIBRARY_SWEEPER__INTERVAL_SECONDS": str(interval),
        }

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop(immediate=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def in_parallel(work: Callable[[Component], None], components: Collection[Component]) -> None:
    """Do the work on each component in a thread of its own; raise the first failure when all are through."""
    if not components:
        return
    with ThreadPoolExecutor(max_workers=len(components)) as threads:
        tasks = [threads.submit(work, component) for component in components]
    for task in tasks:
        task.result()
