"""Jobs for load generators: what they are told, what they saw, and starting them."""

import subprocess
import sys
from array import array
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from library_devstack.bench.hostile import GATHERING
from library_devstack.bench.results import Load, seen_as_load
from library_devstack.stack import StackError

REST, GRPC = "rest", "grpc"
_LATE_SECONDS = 20.0


class Closed(msgspec.Struct, frozen=True, kw_only=True, tag="closed"):
    """Calls over gRPC, each slot asking again when it was answered."""

    address: str
    path: str
    """Of the method."""
    tokens: str
    """The file of `write_tokens`."""
    system_token: str
    seconds: float
    connections: int
    streams: int
    """Calls at a time on each connection."""
    seed: int


class Paced(msgspec.Struct, frozen=True, kw_only=True, tag="paced"):
    """Requests of all kinds at a fixed rate, whatever becomes of those before."""

    http_address: str
    address: str
    tokens: str
    system_token: str
    etag: str
    seconds: float
    rate: int
    """Requests a second."""
    seed: int


class Steady(msgspec.Struct, frozen=True, kw_only=True, tag="steady"):
    """Access checks over gRPC at a fixed rate, such as a game's servers make, whatever becomes of those before."""

    address: str
    tokens: str
    system_token: str
    seconds: float
    rate: int
    """Calls a second."""
    besieged: bool
    """Beside all that `hostile` has."""
    seed: int


Job: TypeAlias = Closed | Paced | Steady


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one generator saw through one door. Latencies are milliseconds, as an array of doubles."""

    door: str
    seconds: float
    errors: int
    latencies: bytes


def run_jobs(jobs: Sequence[Job]) -> list[Seen]:
    """Do the jobs at the same time, each in a process of its own.

    Raises StackError when one fails or does not end. Whatever happens, none of the processes is left.
    """
    processes: list[subprocess.Popen[bytes]] = []
    seen: list[Seen] = []
    try:
        for job in jobs:
            process = subprocess.Popen(
                [sys.executable, "-m", "library_devstack.bench.generator"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            processes.append(process)
            assert process.stdin is not None  # noqa: S101 - a pipe was asked for
            process.stdin.write(msgspec.json.encode(job))
            process.stdin.close()
            process.stdin = None
        for job, process in zip(jobs, processes, strict=True):
            lead = job.seconds * GATHERING if isinstance(job, Steady) else 0.0
            output, complaint = process.communicate(timeout=lead + job.seconds + _LATE_SECONDS)
            if process.returncode != 0:
                raise StackError(f"a load generator failed: {complaint.decode(errors='replace').strip()}")
            seen.extend(msgspec.msgpack.decode(output, type=list[Seen]))
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError) as problem:
        raise StackError(f"a load generator failed: {problem}") from problem
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
    return seen


def together(seen: Sequence[Seen]) -> Load:
    """Return what several generators saw at the same time as one load."""
    latencies = array("d")
    for each in seen:
        latencies.frombytes(each.latencies)
    return seen_as_load(
        latencies,
        requests=len(latencies),
        seconds=max(each.seconds for each in seen),
        errors=sum(each.errors for each in seen),
    )
