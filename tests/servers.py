"""The oldest PostgreSQL that we promise to run on, beside the embedded one, where Debian has installed it (details 2.34)."""

from pathlib import Path

from library_devstack.stack import Postgres

_DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")

# What of the two is there is known before the tests are collected: nothing is skipped.
SERVERS = ["postgres", *(["postgres_15"] if _DEBIAN_15.is_dir() else [])]


class Postgres15(Postgres):
    """The embedded server's component over Debian's programs."""

    def _program(self, name: str) -> Path:
        return _DEBIAN_15 / name
