"""CPU time by who spent it: requests a second vary with the machine, CPU for a request hardly does."""

import os
import resource
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]  # no type information is published for it

_IDLE = ("idle", "iowait", "guest", "guest_nice")
"""Not at work; guests are counted in user already."""


class Meter:
    """Measures the block: CPU seconds of each named process with its descendants, of the load, and of all others.

    `load` is what this process and the children that it waited for spent in the block.
    """

    def __init__(self, processes: Mapping[str, tuple[int, ...]]) -> None:
        self._processes = processes
        self._before: dict[str, float] = {}
        self._machine = 0.0
        self._began = 0.0
        self.cpu: dict[str, float] = {}
        self.others = 0.0
        """Share of the machine that went to what is no part of the run."""

    def __enter__(self) -> Self:
        self._before, self._machine, self._began = self._read(), _machine(), time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        now = self._read()
        self.cpu = {name: max(now[name] - before, 0.0) for name, before in self._before.items()}
        others = _machine() - self._machine - sum(self.cpu.values())
        capacity = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        self.others = max(others / capacity, 0.0)

    def _read(self) -> dict[str, float]:
        known = {name: sum(map(_family, pids)) for name, pids in self._processes.items()}
        ours = os.times()
        waited_for = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {**known, "load": ours.user + ours.system + waited_for.ru_utime + waited_for.ru_stime}


def _family(pid: int) -> float:
    """Return the CPU seconds of a process, its living descendants, and those that it waited for."""
    process = psutil.Process(pid)
    own = process.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in process.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:  # its time is its parent's by the next reading
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return float(total)


def _machine() -> float:
    """Return the CPU seconds that the whole machine was at work for anybody."""
    times = psutil.cpu_times()._asdict()
    return float(sum(seconds for kind, seconds in times.items() if kind not in _IDLE))
