"""PostgreSQL alone: the statements of the peers, sent by pgbench as fast as it answers them."""

import math
import re
import subprocess
import tempfile
from pathlib import Path

from library_devstack.bench.plan import CONNECTIONS
from library_devstack.bench.results import Load, seen_as_load
from library_devstack.stack import Postgres, StackError
from library_devstack.stack.process import minimal_environment

_THREADS = 2
_SAMPLED = 0.1
"""Share of the transactions whose time is logged: all would cost what is measured."""
_LATENCY_COLUMN = 2
_LATE_SECONDS = 30
_PROCESSED = re.compile(r"actually processed: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+)")


def run_pgbench(postgres: Postgres, script: Path, *, seconds: float) -> Load:
    """Return how often a script ran in whole seconds, one at least. Raises StackError."""
    duration = max(math.ceil(seconds), 1)
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(postgres.program("pgbench")),
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={CONNECTIONS}",
            f"--jobs={_THREADS}",
            f"--time={duration}",
            f"--file={script}",
            "--log",
            f"--sampling-rate={_SAMPLED}",
            postgres.dsn(),
        ]
        try:
            said = subprocess.run(
                command,
                cwd=folder,
                env=minimal_environment(),
                capture_output=True,
                text=True,
                check=True,
                timeout=duration + _LATE_SECONDS,
            ).stdout
        except subprocess.SubprocessError as problem:
            detail = getattr(problem, "stderr", None) or problem
            raise StackError(f"pgbench failed on {script.stem}: {detail}") from problem
        lines = [line for path in Path(folder).iterdir() for line in path.read_text().splitlines()]
    sampled = [int(line.split()[_LATENCY_COLUMN]) / 1000 for line in lines]
    processed, rate = _PROCESSED.search(said), _RATE.search(said)
    if processed is None or rate is None:
        raise StackError(f"pgbench did not say how much it did: {said}")
    requests = int(processed[1])
    return seen_as_load(sampled, requests=requests, seconds=requests / float(rate[1]))
