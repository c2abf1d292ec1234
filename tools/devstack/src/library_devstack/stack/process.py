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
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # no type information is published for it

# psutil derives a start time from the wall clock at boot, which time synchronisation may move by fractions.
_START_TIME_TOLERANCE_SECONDS = 1.0
_KILL_WAIT_SECONDS = 5.0
_POLL_SECONDS = 0.01
_LOG_TAIL_LINES = 15


class ManagedProcess:
    """A process that outlives the command that started it, identified by pid and start time."""

    def __init__(self, *, pid_file: Path, log_file: Path) -> None:
        self._pid_file = pid_file
        self.log_file = log_file
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Return the pid while the process lives, else None."""
        process = self._find()
        return None if process is None else process.pid

    @property
    def running(self) -> bool:
        """Tell whether the process lives (a paused one does)."""
        return self._find() is not None

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
        identity = {"pid": self._child.pid, "started": psutil.Process(self._child.pid).create_time()}
        draft = self._pid_file.with_suffix(".new")
        draft.write_text(json.dumps(identity))
        draft.replace(self._pid_file)

    def stop(self, *, with_signal: signal.Signals, timeout_seconds: float) -> None:
        """Ask the process to end; after `timeout_seconds` kill what is left of it and its descendants."""
        process = self._find()
        if process is not None:
            family = _family(process)
            # A paused process would sleep through the request.
            _signal(family, signal.SIGCONT)
            _signal([process], with_signal)
            _kill(_wait(family, timeout_seconds=timeout_seconds))
        self._forget()

    def kill(self) -> None:
        """End the process and its descendants as a power cut would."""
        process = self._find()
        if process is not None:
            _kill(_family(process))
        self._forget()

    def pause(self) -> None:
        """Freeze the process and its descendants: peers see an open connection that never answers."""
        process = self._find()
        if process is not None:
            _signal(_family(process), signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        process = self._find()
        if process is not None:
            _signal(_family(process), signal.SIGCONT)

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        if not self.log_file.exists():
            return ""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])

    def _find(self) -> psutil.Process | None:
        if self._child is not None and self._child.poll() is not None:
            return None
        try:
            identity = json.loads(self._pid_file.read_text())
            process = psutil.Process(identity["pid"])
            same = abs(process.create_time() - identity["started"]) < _START_TIME_TOLERANCE_SECONDS
        except (FileNotFoundError, psutil.NoSuchProcess):
            return None
        return process if same and _is_alive(process) else None

    def _forget(self) -> None:
        self._pid_file.unlink(missing_ok=True)
        if self._child is not None:
            self._child.wait(_KILL_WAIT_SECONDS)
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
