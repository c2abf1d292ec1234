"""What the stack remembers between two starts: ports and secrets, in one directory."""

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from threading import RLock

from library_devstack.stack.errors import PortTaken, StateLocked, StateUnreadable
from library_devstack.stack.process import Identity

LOOPBACK = "127.0.0.1"

# Below the ephemeral ranges of Linux (32768+), macOS and IANA (49152+): a port that the kernel may give to an
# outgoing connection could be gone between our choice and the server's bind.
_PORTS = range(20_000, 32_768)
_ATTEMPTS = 100
_FILE = "state.json"
_SECRET_BYTES = 24


class State:
    """The state directory: `state.json` (ports, secrets; mode 0600), pid files, logs, data.

    `ports` are configured by name and remembered as such; every other port is chosen once and remembered.
    Threads and other commands may use the same directory at the same time.
    """

    def __init__(self, directory: Path, *, ports: Mapping[str, int] | None = None) -> None:
        self.directory = directory.resolve()
        self._file = self.directory / _FILE
        self._mutex = RLock()
        self._ports: dict[str, int] = {}
        self._configured: set[str] = set()
        self._secrets: dict[str, str] = {}
        self._clock: dict[str, str] = {}
        self._read()
        if ports:
            self._change(lambda: self._configure(ports))

    @staticmethod
    def exists(directory: Path) -> bool:
        """Tell whether anything was ever started in the directory."""
        return (directory / _FILE).is_file()

    def port(self, name: str) -> int:
        """Return the port of this name, choosing a free one the first time."""
        if name not in self._ports:
            self._change(lambda: self._ports.setdefault(name, self._free_port()))
        return self._ports[name]

    def ensure_port_is_free(self, name: str) -> None:
        """Make sure that a component about to start can bind its port.

        A remembered port that somebody else took meanwhile is replaced.
        Raises PortTaken when the port was configured: then the choice is not ours.
        """
        port = self.port(name)
        if _is_free(port):
            return
        if name in self._configured:
            raise PortTaken(name, port)
        self.replace_port(name)

    def replace_port(self, name: str) -> None:
        """Choose another free port for this name, and remember it."""
        self._change(lambda: self._ports.update({name: self._free_port()}))

    def is_free(self, port: int) -> bool:
        """Tell whether nobody listens on the port and no name of ours has it."""
        return port not in self._ports.values() and _is_free(port)

    def secret(self, name: str) -> str:
        """Return the secret of this name (32 URL-safe characters), making it the first time."""
        if name not in self._secrets:
            self._change(lambda: self._secrets.setdefault(name, secrets.token_urlsafe(_SECRET_BYTES)))
        return self._secrets[name]

    @property
    def clock(self) -> Mapping[str, str]:
        """Return what our deployables are told of the time, by setting; nothing when they go by the machine's."""
        return self._clock

    def set_clock(self, clock: Mapping[str, str]) -> None:
        """Remember what they are told from their next start on: whoever joins them later is told the same."""
        self._change(lambda: setattr(self, "_clock", dict(clock)))

    def path(self, *parts: str) -> Path:
        """Return a path inside the directory, its parent made."""
        path = self.directory.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def locked(self, purpose: str = "change") -> Iterator[None]:
        """Keep a second library-dev from doing the same to the same stack; "change" is to start or stop it.

        Raises StateLocked at once instead of waiting: two people meant two different things.
        """
        # Opened for appending: whoever comes second must not wipe out the name of the first.
        with self._lock_file(purpose).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as taken:
                holder = self.holder(purpose)
                who = "another library-dev" if holder is None else f"another library-dev (pid {holder.pid})"
                raise StateLocked(f"{who} is working on {self.directory}") from taken
            lock.truncate(0)
            lock.write(Identity.of(os.getpid()).text())
            lock.flush()
            try:
                yield
            finally:
                lock.truncate(0)

    def holder(self, purpose: str) -> Identity | None:
        """Return who holds the lock; None when nobody does, or has only just got it."""
        try:
            holder = Identity.parse(self._lock_file(purpose).read_text())
        except FileNotFoundError:
            return None
        return None if holder is None or holder.find() is None else holder

    def _lock_file(self, purpose: str) -> Path:
        return self.path("run", f"{purpose}.lock")

    def _configure(self, ports: Mapping[str, int]) -> None:
        self._ports.update(ports)
        self._configured.update(ports)

    def _free_port(self) -> int:
        taken = set(self._ports.values())
        for _ in range(_ATTEMPTS):
            port = SystemRandom().choice(_PORTS)
            if port not in taken and _is_free(port):
                return port
        raise OSError(f"no free loopback port found in {_ATTEMPTS} attempts")

    def _change(self, change: Callable[[], object]) -> None:
        """Read what others wrote, change it, write it; nobody else does so at the same time."""
        with self._mutex, self.path("run", "state.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._read()
            change()
            self._write()

    def _read(self) -> None:
        if not self._file.exists():
            return
        try:
            remembered = json.loads(self._file.read_text())
            self._ports = remembered["ports"]
            self._configured = set(remembered["configured"])
            self._secrets = remembered["secrets"]
            self._clock = remembered.get("clock", {})
        except (ValueError, KeyError, TypeError) as unreadable:
            raise StateUnreadable(
                f"{self._file} is not ours or of another version; stop what runs and remove {self.directory}"
            ) from unreadable

    def _write(self) -> None:
        draft = self._file.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            content = {
                "ports": self._ports,
                "configured": sorted(self._configured),
                "secrets": self._secrets,
                "clock": self._clock,
            }
            json.dump(content, file, indent=2)
        draft.replace(self._file)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Servers set it too: a port in TIME_WAIT is free for them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
