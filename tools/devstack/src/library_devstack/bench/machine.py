"""What the figures depend on: the machine, the versions, and how fast the machine is at this moment."""

import hashlib
import os
import platform
import shutil
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # no type information is published for it

_ASK_SECONDS = 10
_CALIBRATION_SECONDS = 0.5
_BLOCK = bytes(4096)
_QUIET_SECONDS = 2.0
_OURS = ("granian", "litestar", "msgspec", "psycopg", "grpclib", "betterproto2", "uvloop")


def facts(workspace: Path) -> dict[str, str]:
    """Return what a reader needs to compare with their own run."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "CPU": f"{os.cpu_count()} × {_cpu_model()}",
        "memory": f"{memory:.0f} GiB",
        "one core": f"{_hashes_per_second():,.0f} SHA-256 of 4 KiB a second",
        "busy before": f"{psutil.cpu_percent(_QUIET_SECONDS):.0f} % of the machine went to others before the run",
        "system": f"{platform.system()} {platform.release()}",
        "ours": f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in _OURS),
        "peers": ", ".join(_peers(workspace)) or "not installed",
        "wrk": _said(["wrk", "-v"]).split(" [")[0] or "?",
        "commit": _commit(workspace),
    }


def _hashes_per_second() -> float:
    """Return how much one core does now: two runs with the same figure are comparable."""
    count, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < _CALIBRATION_SECONDS:
        hashlib.sha256(_BLOCK).digest()
        count += 1
    return count / took


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _peers(workspace: Path) -> list[str]:
    installed = workspace / "build" / "bench"
    python = installed / "python" / "bin" / "python"
    wanted = "fastapi uvicorn pydantic asyncpg pyjwt grpclib protobuf granian"
    ask = "import sys; from importlib.metadata import version; print(*(f'{n} {version(n)}' for n in sys.argv[1:]), sep='\\n')"
    found = _said([str(python), "-c", ask, *wanted.split()]).splitlines() if python.exists() else []
    node, packages = shutil.which("node"), installed / "fastify" / "node_modules"
    if node and packages.exists():
        show = "console.log(['fastify', 'pg'].map(n => n + ' ' + require('./' + n + '/package.json').version).join('\\n'))"
        found += [f"node {_said([node, '--version']).strip().removeprefix('v')}"]
        found += _said([node, "-e", show], cwd=packages).splitlines()
    return found


def _commit(workspace: Path) -> str:
    commit = _said(["git", "rev-parse", "--short", "HEAD"], cwd=workspace).strip() or "?"
    changed = _said(["git", "status", "--porcelain", "--untracked-files=no"], cwd=workspace).strip()
    return f"{commit}, with changes" if changed else commit


def _said(command: list[str], *, cwd: Path | None = None) -> str:
    """Return what a command printed; nothing if there is no such command. wrk leaves with 1 when asked its version."""
    try:
        return subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, check=False, timeout=_ASK_SECONDS
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
