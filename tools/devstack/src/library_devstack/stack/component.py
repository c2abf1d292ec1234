"""What every component of the stack can do."""

import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path

from library_devstack.stack.errors import ComponentFailed, NotHealthy
from library_devstack.stack.process import ManagedProcess, minimal_environment
from library_devstack.stack.state import LOOPBACK, State

_POLL_SECONDS = 0.05


class Component(ABC):
    """A server of the stack: one process, its data, its health in its own protocol.

    Every method blocks; call it through `asyncio.to_thread` from a coroutine.
    """

    name: str
    port_names: tuple[str, ...]
    """Names of the ports it listens on; clients use the first."""
    stop_signal = signal.SIGTERM
    start_timeout_seconds = 30.0
    stop_timeout_seconds = 10.0

    def __init__(self, state: State) -> None:
        self._state = state
        self.process = ManagedProcess(
            pid_file=state.path("run", f"{self.name}.pid"), log_file=state.path("logs", f"{self.name}.log")
        )

    @property
    def port(self) -> int:
        """Return the loopback port that clients use."""
        return self._state.port(self.port_names[0])

    @property
    def address(self) -> str:
        """Return host and port for clients; empty when it has no door of its own."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def health_address(self) -> str:
        """Return host and port where it tells how it is; empty when that is asked in its own protocol."""
        return ""

    @property
    def data(self) -> Path:
        """Return the directory of the component's data."""
        return self._state.path("data", self.name)

    @abstractmethod
    def env(self) -> dict[str, str]:
        """Return the variables by which a client finds the component."""

    @abstractmethod
    def health(self) -> None:
        """Raise NotHealthy unless the component answers its own protocol, within about a second."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    def _prepare(self) -> None:
        """Make what must be there before the process starts. Repeatable."""
        self.data.mkdir(parents=True, exist_ok=True)

    def _set_up(self) -> None:  # noqa: B027 - most components need nothing more
        """Make what needs the running server: a database, a bucket, topics. Repeatable."""

    def _spawn(self) -> None:
        self.process.spawn(self._command(), env=minimal_environment(), cwd=self.data)

    def _stray(self) -> int | None:
        """Return the pid of a server that works on our data although no pid file names it."""
        return None

    def start(self) -> None:
        """Start the component, unless it runs, and return when it is healthy and set up.

        Raises ComponentFailed when it ends or stays silent longer than `start_timeout_seconds`, PortTaken when its
        configured port is used by somebody else. What it started it also stops when it fails.
        """
        if not self.process.running:
            # What a lost pid file left behind keeps the data and maybe the port.
            self.stop()
            for name in self.port_names:
                self._state.ensure_port_is_free(name)
            self._prepare()
            self._spawn()
        try:
            self._wait_until_healthy()
            self._set_up()
        except BaseException:
            self.process.kill()
            raise

    def stop(self, *, immediate: bool = False) -> None:
        """Stop the component; `immediate` kills it, as a power cut would. Stopping a stopped one does nothing."""
        if not self.process.running and (stray := self._stray()) is not None:
            self.process.adopt(stray)
        if immediate:
            self.process.kill()
        else:
            self.process.stop(with_signal=self.stop_signal, timeout_seconds=self.stop_timeout_seconds)

    def restart(self, *, immediate: bool = False) -> None:
        """Stop and start again, on the same port and data."""
        self.stop(immediate=immediate)
        self.start()

    def pause(self) -> None:
        """Freeze the component (SIGSTOP): connections stay open and nothing answers."""
        self.process.pause()

    def resume(self) -> None:
        """Let a paused component go on."""
        self.process.resume()

    def destroy(self) -> None:
        """Stop the component and remove what it keeps outside the state directory."""
        self.stop(immediate=True)

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + self.start_timeout_seconds
        while True:
            try:
                self.health()
            except NotHealthy as problem:
                if not self.process.running:
                    raise ComponentFailed(self.name, "ended at start", self.process.log_tail()) from problem
                if time.monotonic() > deadline:
                    reason = f"was not healthy within {self.start_timeout_seconds:g} s ({problem})"
                    raise ComponentFailed(self.name, reason, self.process.log_tail()) from problem
                time.sleep(_POLL_SECONDS)
            else:
                return
