"""What more rows cost: the same load on two databases, one some times as large as the other, in turn.

CPU per request is compared, ours, PostgreSQL's and Redis's together: requests a second of two runs are not comparable.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from library_devstack.bench.goals import Judged
from library_devstack.bench.plan import OURS, SCENARIOS, Driver, Plan
from library_devstack.bench.results import Results
from library_devstack.bench.run import measure
from library_devstack.stack import StackError

GROWING = ("list", "item", "access")
"""What is measured if the plan does not say: what players and games ask for most."""
_WANTED = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What one request costs over few rows and over many. CPU microseconds; the least of the rounds."""

    scenario: str
    title: str
    few: float
    many: float

    @property
    def ratio(self) -> float:
        """Return how many times as much it costs."""
        return self.many / self.few


def measure_growth(plan: Plan, *, directory: Path, workspace: Path) -> list[Grown]:
    """Measure ours with the plan's rows and with `plan.grow` times as many, in turn, as many rounds as the plan has.

    `directory` keeps a state for each size. Raises StackError if nothing that is asked for can be compared, and what
    `measure` raises.
    """
    once = replace(plan, rounds=1, grow=0, peers=False, only=plan.only or GROWING)
    if all(each.driver is Driver.PACED for each in once.scenarios):
        raise StackError("--grow compares what a request costs at full load, which the mixed load is not")
    sizes = (once, replace(once, rows=plan.rows * plan.grow))
    rounds = [
        [measure(each, directory=directory / str(each.rows), workspace=workspace) for each in sizes]
        for _ in range(plan.rounds)
    ]
    return list(compared([few for few, _ in rounds], [many for _, many in rounds]))


def compared(few: Sequence[Results], many: Sequence[Results]) -> Iterator[Grown]:
    """Yield what each scenario costs; the least of several runs is the one that chance disturbed least."""
    for scenario in SCENARIOS:
        costs = [
            [cost for run in runs if (cost := _cost(run, scenario.name)) is not None] for runs in (few, many)
        ]
        if all(costs):
            yield Grown(scenario=scenario.name, title=scenario.title, few=min(costs[0]), many=min(costs[1]))


def judged(growth: Sequence[Grown], *, grow: int) -> Judged:
    """Return the goal beside what was measured."""
    worst = max(each.ratio for each in growth)
    return Judged(
        text=f"{grow} × the rows ≤ {_WANTED:g} × the CPU", measured=f"{worst:.2f} ×", is_met=worst <= _WANTED
    )


def _cost(results: Results, scenario: str) -> float | None:
    row = results.find(scenario, OURS.name)
    return None if row is None else sum(each or 0.0 for each in (row.app, row.postgres, row.redis))
