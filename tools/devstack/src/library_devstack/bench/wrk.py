"""Closed-loop load over HTTP/1.1 by wrk, a program of the system's."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import msgspec

from library_devstack.bench.plan import CONNECTIONS
from library_devstack.bench.results import Load
from library_devstack.stack import StackError

_THREADS = 2
_LATE_SECONDS = 10
_TIMEOUT = "5s"


def find_wrk() -> str:
    """Return wrk's path. Raises StackError that says how to get it."""
    found = shutil.which("wrk")
    if found is None:
        raise StackError("wrk is missing, which makes the load: install the system's package `wrk`")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrk:
    """wrk with the project's script; the files are `write_tokens`'s and one with a UUID a line."""

    tokens: Path
    games: Path

    def run(
        self, url: str, scenario: str, *, etag: str, seconds: float, sessions: Path | None = None
    ) -> Load:
        """Load for whole seconds, one at least. Raises StackError when wrk fails or does not end."""
        duration = max(round(seconds), 1)
        with as_file(files("library_devstack.bench").joinpath("load.lua")) as script:
            command = [
                find_wrk(),
                f"--threads={_THREADS}",
                f"--connections={CONNECTIONS}",
                f"--duration={duration}s",
                f"--timeout={_TIMEOUT}",
                f"--script={script}",
                url,
                "--",
                scenario,
                str(self.tokens),
                str(self.games),
                etag,
                *([] if sessions is None else [str(sessions)]),
            ]
            try:
                output = subprocess.run(
                    command, capture_output=True, text=True, check=True, timeout=duration + _LATE_SECONDS
                ).stdout
                return msgspec.convert(json.loads(output.splitlines()[-1]), Load)
            except (subprocess.SubprocessError, ValueError, LookupError, msgspec.ValidationError) as problem:
                detail = getattr(problem, "stderr", None) or problem
                raise StackError(f"wrk failed on {scenario}: {detail}") from problem
