"""What the stack remembers between two starts: ports and secrets, in one directory."""

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from threading import RLock

from library_devstack.stack.errors import PortTaken, StateLocked

LOOPBACK = "127.0.0.1"

# Below the ephemeral ranges of Linux (32768+), macOS and IANA (49152+): a port that the kernel may give to an
# outgoing connection could be gone between our choice and the server's bind.
_PORTS = range(20_000, 32_768)
_ATTEMPTS = 100


class State:
    """The state directory: `state.json` (ports, secrets; mode 0600), pid files, logs, data.

    `ports` are configured by name and stay as they are; every other port is chosen once and remembered.
    """

    def __init__(self, directory: Path, *, ports: Mapping[str, int] | None = None) -> None:
        self.directory = directory.resolve()
        self._file = self.directory / "state.json"
        self._configured = dict(ports or {})
        # The components start in parallel and share this object.
        self._mutex = RLock()
        self._ports: dict[str, int] = {}
        self._secrets: dict[str, str] = {}
        if self._file.exists():
            remembered = json.loads(self._file.read_text())
            self._ports = remembered["ports"]
            self._secrets = remembered["secrets"]
        self._ports.update(self._configured)

    def port(self, name: str) -> int:
        """Return the port of this name, choosing a free one the first time."""
        with self._mutex:
            if name not in self._ports:
                self._ports[name] = self._free_port()
                self._save()
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
        with self._mutex:
            del self._ports[name]
            self.port(name)

    def secret(self, name: str) -> str:
        """Return the secret of this name (32 URL-safe characters), making it the first time."""
        with self._mutex:
            if name not in self._secrets:
                self._secrets[name] = secrets.token_urlsafe(24)
                self._save()
            return self._secrets[name]

    def path(self, *parts: str) -> Path:
        """Return a path inside the directory, its parent made."""
        path = self.directory.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second library-dev from starting or stopping the same stack.

        Raises StateLocked at once instead of waiting: two people meant two different things.
        """
        with self.path("lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as taken:
                raise StateLocked(f"another library-dev is working on {self.directory}") from taken
            yield

    def _free_port(self) -> int:
        taken = set(self._ports.values())
        for _ in range(_ATTEMPTS):
            port = SystemRandom().choice(_PORTS)
            if port not in taken and _is_free(port):
                return port
        raise OSError(f"no free loopback port found in {_ATTEMPTS} attempts")

    def _save(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"ports": self._ports, "secrets": self._secrets}, file, indent=2)
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
