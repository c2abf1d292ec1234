"""One process of ours: started, found again by a later command, paused, stopped.

A pid alone is no identity: the kernel gives it away again. The pid file therefore keeps the start time too, and
a process that does not match both is never signalled.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil  # type: ignore[import-untyped]  # no type information is published for it

# psutil derives a start time from the wall clock at boot, which time synchronisation may move by fractions.
_START_TIME_TOLERANCE_SECONDS = 1.0
_KILL_WAIT_SECONDS = 5.0
_POLL_SECONDS = 0.01
_LOG_TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process is meant; `started` is in seconds since the epoch, as psutil gives it."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """Return the identity of a process. Raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `text` returned; None when it is nothing of the kind, for instance half written."""
        try:
            members = json.loads(text)
            return cls(int(members["pid"]), float(members["started"]))
        except (ValueError, KeyError, TypeError):
            return None

    def text(self) -> str:
        """Return it as it is kept in a file."""
        return json.dumps(asdict(self))

    def find(self) -> psutil.Process | None:
        """Return the process while it lives, else None."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _START_TIME_TOLERANCE_SECONDS
        except psutil.NoSuchProcess:
            return None
        return process if same and _is_alive(process) else None

    def end(self, *, timeout_seconds: float) -> None:
        """Ask the process to end with SIGTERM; kill it, and it alone, when it did not in time."""
        process = self.find()
        if process is not None:
            _signal([process], signal.SIGTERM)
            _kill(_wait([process], timeout_seconds=timeout_seconds))


class ManagedProcess:
    """A process that outlives the command that started it, identified by pid and start time."""

    def __init__(self, *, pid_file: Path, log_file: Path) -> None:
        self._pid_file = pid_file
        self.log_file = log_file
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Return the pid while the process lives, else None."""
        process = self._find(self._named())
        return None if process is None else process.pid

    @property
    def running(self) -> bool:
        """Tell whether the process lives (a paused one does)."""
        return self._find(self._named()) is not None

    @property
    def lost(self) -> bool:
        """Tell whether it ended although nobody stopped it."""
        identity = self._named()
        return identity is not None and self._find(identity) is None

    def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        user: int | None = None,
        group: int | None = None,
    ) -> None:
        """Start the process in a session of its own (so Ctrl-C reaches only us), output appended to the log."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._child = subprocess.Popen(
                argv,
                env=env,
                cwd=cwd,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.adopt(self._child.pid)

    def adopt(self, pid: int) -> None:
        """Take a process that runs for the one that is meant. Raises psutil.NoSuchProcess."""
        draft = self._pid_file.with_suffix(".new")
        draft.write_text(Identity.of(pid).text())
        draft.replace(self._pid_file)

    def stop(self, *, with_signal: signal.Signals, timeout_seconds: float) -> None:
        """Ask the process to end; after `timeout_seconds` kill what is left of it and its descendants."""
        identity = self._named()
        process = self._find(identity)
        if process is not None:
            family = _family(process)
            # A paused process would sleep through the request.
            _signal(family, signal.SIGCONT)
            _signal([process], with_signal)
            _kill(_wait(family, timeout_seconds=timeout_seconds))
        self._forget(identity)

    def kill(self) -> None:
        """End the process and its descendants as a power cut would."""
        identity = self._named()
        process = self._find(identity)
        if process is not None:
            _kill(_family(process))
        self._forget(identity)

    def pause(self) -> None:
        """Freeze the process and its descendants: peers see an open connection that never answers."""
        process = self._find(self._named())
        if process is not None:
            _signal(_family(process), signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        process = self._find(self._named())
        if process is not None:
            _signal(_family(process), signal.SIGCONT)

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        if not self.log_file.exists():
            return ""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])

    def _named(self) -> Identity | None:
        """Return whom the pid file names; another command may have started a newer process than ours."""
        try:
            return Identity.parse(self._pid_file.read_text())
        except FileNotFoundError:
            return None

    def _find(self, identity: Identity | None) -> psutil.Process | None:
        if identity is None:
            return None
        child = self._child
        if child is not None and child.pid == identity.pid and child.poll() is not None:
            return None
        return identity.find()

    def _forget(self, identity: Identity | None) -> None:
        """Forget a process that has ended, unless the pid file has come to name another one."""
        if identity is not None and self._named() == identity:
            self._pid_file.unlink(missing_ok=True)
        child = self._child
        if child is None:
            return
        if identity is not None and child.pid == identity.pid:
            child.wait(_KILL_WAIT_SECONDS)
        # One that another command stopped is collected all the same.
        if child.poll() is not None:
            self._child = None


def _family(process: psutil.Process) -> list[psutil.Process]:
    """Return the process and its descendants: PostgreSQL's backends leave the process group, so killpg misses them."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            # psutil compares the start time again before it sends.
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def _kill(processes: Sequence[psutil.Process]) -> None:
    _signal(processes, signal.SIGKILL)
    _wait(processes, timeout_seconds=_KILL_WAIT_SECONDS)


def _wait(processes: Sequence[psutil.Process], *, timeout_seconds: float) -> list[psutil.Process]:
    """Return those that still live when all have ended or the time is over."""
    deadline = time.monotonic() + timeout_seconds
    alive = list(processes)
    while (alive := [process for process in alive if _is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    """Tell whether it runs or is paused.

    A process that has ended but was not collected by its parent counts as ended: the parent of a process that
    outlived its command is the system's first, which in a container may take seconds.
    """
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def minimal_environment(**extra: str) -> dict[str, str]:
    """Return an environment that carries nothing of the caller's but PATH: a PGDATA or proxy set there is not ours."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", **extra}
