"""One pass: every task works in batches until nothing is left or the deadline is near."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from time import monotonic, perf_counter

from loguru import logger

from library_domain.shared.errors import DomainError

Batch = Callable[[], Awaitable[tuple[int, bool]]]
"""Does one batch; returns how many records it dealt with and whether there may be more."""


class Deadline:
    """The moment by which a pass ends."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._seconds = seconds
        self._at = clock() + seconds

    def passed(self) -> bool:
        """Tell whether the time is up."""
        return self._clock() >= self._at

    def part(self, share: float) -> "Deadline":
        """Return the deadline of somebody who begins now and may have this share of the whole time."""
        return Deadline(min(share * self._seconds, self._at - self._clock()), clock=self._clock)


@dataclass(slots=True)
class Report:
    """What a pass did: records and seconds by task, tasks that failed, tasks that were cut off by the deadline.

    Of those cut off some had no turn at all.
    """

    done: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    without_turn: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


async def sweep(
    tasks: Mapping[str, Batch],
    *,
    deadline: Deadline,
    chosen: Collection[str] | None = None,
    shares: Mapping[str, float] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Report:
    """Run the chosen tasks, or all; a task that fails does not keep the others from their turn.

    One of `shares` has that part of the deadline for its turn, 0 to 1, and all that is left once the others had theirs.

    Raises KeyError for a task that does not exist.
    """
    report, shares = Report(), shares or {}
    for name in tasks if chosen is None else chosen:
        until = deadline.part(shares[name]) if name in shares else deadline
        await _turn(report, name, tasks[name], until=until, stopped=stopped)
    for name in shares.keys() & set(report.unfinished) - set(report.without_turn):
        report.unfinished.remove(name)
        await _turn(report, name, tasks[name], until=deadline, stopped=stopped)
    logger.info(
        "pass ended",
        done=" ".join(f"{name}={records}" for name, records in report.done.items()),
        failed=" ".join(report.failed),
        unfinished=" ".join(report.unfinished),
        seconds=round(sum(report.seconds.values()), 1),
    )
    return report


async def _turn(
    report: Report, name: str, batch: Batch, *, until: Deadline, stopped: Callable[[], bool]
) -> None:
    """Let a task work until it has done all, or its time is up."""
    has_begun, more = name in report.done, True
    report.done.setdefault(name, 0)
    started = perf_counter()
    try:
        while more and not until.passed() and not stopped():
            has_begun = True
            done, more = await batch()
            report.done[name] += done
    except DomainError as error:
        logger.warning("a task failed", task=name, error=error.slug, **error.details)
        report.failed.append(name)
    except Exception:  # noqa: BLE001 - a bug in one task must not stop the others; it is logged and counted
        logger.exception("a task failed", task=name)
        report.failed.append(name)
    else:
        if more:
            report.unfinished.append(name)
        if not has_begun:
            report.without_turn.append(name)
    report.seconds[name] = report.seconds.get(name, 0.0) + perf_counter() - started
