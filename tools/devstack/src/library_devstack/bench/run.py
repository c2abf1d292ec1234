"""One run: everything up, everybody asked the same, everybody loaded in turn, everything stopped again."""

import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from library_devstack.bench.arena import Arena, opened
from library_devstack.bench.jobs import GRPC, REST, Closed, Paced, Steady, run_jobs, together
from library_devstack.bench.machine import facts
from library_devstack.bench.messages import ACCESS, BATCH
from library_devstack.bench.pgbench import run_pgbench
from library_devstack.bench.plan import (
    BESIEGED,
    OURS,
    PGBENCH,
    Contestant,
    Driver,
    Plan,
    Role,
    Scenario,
)
from library_devstack.bench.results import Load, Measurement, Results, Row, summed_up
from library_devstack.bench.sessions import SessionFiles, prepare
from library_devstack.bench.usage import Meter
from library_devstack.bench.wrk import find_wrk
from library_devstack.console import notes
from library_devstack.stack import Postgres, Stack, StackError
from library_devstack.stack.component import Component
from library_devstack.stack.postgres import DATABASE

RUN = "bench"
"""The lock that a run holds: two at a time would measure each other."""
_GENERATORS = 2
_CALL_CONNECTIONS, _STREAMS = 4, 4
"""Of each generator: 32 calls under way together, as many as wrk's requests."""
_STEADY_RATE = 200
"""A tenth of what the door can do: what is measured is the others' doing."""
_SCRIPTS = {"list": "page_newest", "by_name": "page_by_name"}
"""The scripts of pgbench that are not called as their scenario."""


def measure(plan: Plan, *, directory: Path, workspace: Path) -> Results:
    """Measure; whatever happens, nothing is left running, and the data stay for the next run.

    `directory` keeps the state of runs with so many rows. Raises StackError when a part fails, when somebody answers
    otherwise than we do, or when it takes far longer than planned; StateLocked when another run is on.
    """
    find_wrk()
    stack = Stack(directory)
    with stack.state.locked(RUN):
        found = facts(workspace)
        with opened(plan, stack, workspace=workspace) as arena:
            rows, omitted = _Run(plan, arena).measure()
    return Results(facts=found, rows=rows, notes=omitted)


class _Run:
    """The measuring itself."""

    def __init__(self, plan: Plan, arena: Arena) -> None:
        self._plan = plan
        self._arena = arena
        self._measured: defaultdict[tuple[str, str, int | None], list[Measurement]] = defaultdict(list)
        self._omitted: dict[str, None] = {}
        self._give_up_at = time.monotonic() + plan.longest_seconds

    def measure(self) -> tuple[list[Row], list[str]]:
        """Return the medians, and who was left out."""
        for scenario in self._plan.scenarios:
            for number in range(self._plan.rounds):
                for contestant in _rotated(self._chosen(scenario), number):
                    for rate in self._plan.rates if scenario.driver is Driver.PACED else (None,):
                        self._measure_one(scenario, contestant, rate=rate, number=number)
        return [summed_up(each) for each in self._measured.values()], list(self._omitted)

    def _chosen(self, scenario: Scenario) -> list[Contestant]:
        if scenario.name == "batch" and not self._arena.has_batches:
            self._omitted["BatchCheckGameAccess is not served yet."] = None
            return []
        return [each for each in self._plan.contestants(scenario) if self._is_there(each)]

    def _is_there(self, contestant: Contestant) -> bool:
        if contestant.role is Role.OURS or contestant is PGBENCH or contestant.name in self._arena.peers:
            return True
        self._omitted[f"{contestant.title} is not installed, and was not measured."] = None
        return False

    def _measure_one(
        self, scenario: Scenario, contestant: Contestant, *, rate: int | None, number: int
    ) -> None:
        if time.monotonic() > self._give_up_at:
            raise StackError(
                f"the run takes more than {self._plan.longest_seconds:.0f} s, twice what it should"
            )
        load = _Loading(self._arena, scenario, contestant, rate)
        load.prepare(self._arena.players)
        if self._plan.warmup:
            load.run(seconds=self._plan.warmup, number=-1)
        with Meter(load.processes()) as meter:
            loads = load.run(seconds=self._plan.seconds, number=number)
        for name, seen in loads.items():
            measurement = Measurement(
                scenario=scenario.name,
                contestant=name,
                load=seen,
                offered=rate,
                # What a mixed load costs is nobody's door alone.
                cpu=meter.cpu if name == contestant.name else {},
                others=meter.others,
            )
            self._measured[scenario.name, name, rate].append(measurement)
        _tell(scenario, contestant, loads[contestant.name], rate)
        if not loads[contestant.name].requests:
            raise StackError(
                f"{contestant.title} answered nothing in {scenario.name}: there is nothing to measure"
            )


class _Loading:
    """One kind of load on one contestant."""

    def __init__(self, arena: Arena, scenario: Scenario, contestant: Contestant, rate: int | None) -> None:
        self._arena = arena
        self._scenario = scenario
        self._contestant = contestant
        self._rate = rate
        self._sessions: SessionFiles | None = None

    def prepare(self, players: int) -> None:
        """Bring what is written to the state in which everybody begins."""
        stack = self._arena.stack
        self._sessions = prepare(
            stack.find(Postgres).superuser_dsn(DATABASE),
            self._scenario.name,
            players=players,
            folder=stack.state.path("bench", "sessions"),
        )

    def processes(self) -> dict[str, tuple[int, ...]]:
        """Return who is to be measured, by name."""
        doors = [] if self._contestant is PGBENCH else self._doors()
        pids = tuple(door.process.pid for door in doors if door.process.pid is not None)
        return {**self._arena.stores(), **({"app": pids} if pids else {})}

    def run(self, *, seconds: float, number: int) -> dict[str, Load]:
        """Load the contestant; return what was seen of it, and of parts of it by their names."""
        arena, name = self._arena, self._contestant.name
        if self._contestant is PGBENCH:
            script = arena.scripts / f"{_SCRIPTS.get(self._scenario.name, self._scenario.name)}.sql"
            return {name: run_pgbench(arena.stack.find(Postgres), script, seconds=seconds)}
        if self._scenario.driver is Driver.WRK:
            (door,) = self._doors()
            url = f"http://{door.address}"
            files = self._sessions
            sessions = None if files is None else files.warmup if number < 0 else files.measured
            load = arena.wrk.run(
                url, self._scenario.name, etag=arena.etag, seconds=seconds, sessions=sessions
            )
            return {name: load}
        if self._scenario.driver is Driver.GRPC:
            (door,) = self._doors()
            return {name: together(run_jobs(self._calls(door.address, seconds, number)))}
        if self._scenario.driver is Driver.STEADY:
            (door,) = self._doors()
            return {name: together(run_jobs([self._steady(door.address, seconds, number)]))}
        seen = run_jobs([self._mixture(seconds, number)])
        by_door = {door: together([each for each in seen if each.door == door]) for door in (REST, GRPC)}
        return {name: together(seen), **(by_door if self._contestant is OURS else {})}

    def _doors(self) -> Sequence[Component]:
        arena, name = self._arena, self._contestant.name
        if self._contestant.role is not Role.OURS:
            return [arena.peers[name]]
        if self._contestant is BESIEGED:
            name = OURS.name
        if self._scenario.driver is Driver.PACED:
            return [arena.apis[name], arena.grpcs[name]]
        return [(arena.apis if self._scenario.driver is Driver.WRK else arena.grpcs)[name]]

    def _calls(self, address: str, seconds: float, number: int) -> list[Closed]:
        return [
            Closed(
                address=address,
                path=BATCH if self._scenario.name == "batch" else ACCESS,
                tokens=str(self._arena.wrk.tokens),
                system_token=self._arena.system_token,
                seconds=seconds,
                connections=_CALL_CONNECTIONS,
                streams=_STREAMS,
                seed=number * _GENERATORS + generator,
            )
            for generator in range(_GENERATORS)
        ]

    def _steady(self, address: str, seconds: float, number: int) -> Steady:
        return Steady(
            address=address,
            tokens=str(self._arena.wrk.tokens),
            system_token=self._arena.system_token,
            seconds=seconds,
            rate=_STEADY_RATE,
            # Not while it is warmed up.
            besieged=self._contestant is BESIEGED and number >= 0,
            seed=number,
        )

    def _mixture(self, seconds: float, number: int) -> Paced:
        api, grpc = self._doors()
        return Paced(
            http_address=api.address,
            address=grpc.address,
            tokens=str(self._arena.wrk.tokens),
            system_token=self._arena.system_token,
            etag=self._arena.etag,
            seconds=seconds,
            rate=self._rate or 1,
            seed=number,
        )


def _rotated(contestants: Sequence[Contestant], number: int) -> Sequence[Contestant]:
    """Return them beginning with another one each round: nobody always follows the same one."""
    start = number % max(len(contestants), 1)
    return [*contestants[start:], *contestants[:start]]


def _tell(scenario: Scenario, contestant: Contestant, load: Load, rate: int | None) -> None:
    offered = "" if rate is None else f" of {rate:,} offered"
    tail = "" if load.p99 is None else f", p99 {load.p99:.1f} ms"
    wrong = f", [red]{load.errors} errors[/]" if load.errors else ""
    notes.print(
        f"  {scenario.name:<10} {contestant.title:<24} {load.rate:>8,.0f}/s{offered}{tail}{wrong}",
        highlight=False,
        soft_wrap=True,
    )
