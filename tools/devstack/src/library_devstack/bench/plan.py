"""What a run of the benchmark does: which scenarios, how long, against whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from library_devstack.bench.hostile import GATHERING
from library_devstack.stack import StackError

FULL_ROWS = 1_000_000
"""What the page tells of; 10 M are measured the same way, see docs/performance.md."""
CONNECTIONS = 32
SWITCHES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "hot_reads": {"LIBRARY_POSTGRES__HOT_READS__ENABLED": "false"},
        "batching": {"LIBRARY_POSTGRES__HOT_READS__BATCH": "1"},
        "hot_writes": {"LIBRARY_POSTGRES__HOT_WRITES__ENABLED": "false"},
        "token_memory": {"LIBRARY_TOKENS__MEMORY_ENTRIES": "0"},
        "whole_answers": {"LIBRARY_GRPC__WHOLE_ANSWERS": "false"},
        "thin_lane": {"LIBRARY_HTTP__THIN_LANE": "false"},
        "log_shortcut": {"LIBRARY_LOGS__SHORTCUT": "false"},
        "gc_freeze": {"LIBRARY_PROCESS__GC_FREEZE": "false"},
    }
)
"""Tricks that can be turned off, and how: the settings of the deployables."""


class Driver(StrEnum):
    """Who makes the load of a scenario."""

    WRK = "wrk"
    """Closed loop over HTTP/1.1: a connection asks again when it was answered."""
    GRPC = "grpc"
    """Closed loop over HTTP/2, see `calls`."""
    PACED = "paced"
    """Open loop at a fixed rate, see `paced`: a slow answer does not hold up the next request."""
    STEADY = "steady"
    """Open loop over gRPC, at a rate that leaves the machine time to spare."""


class Role(StrEnum):
    """What a contestant is to us."""

    OURS = "ours"
    PEER = "peer"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """Somebody who answers."""

    name: str
    title: str
    role: Role


OURS = Contestant(name="ours", title="Library Service", role=Role.OURS)
FASTAPI = Contestant(name="fastapi", title="FastAPI + asyncpg", role=Role.PEER)
FASTIFY = Contestant(name="fastify", title="fastify + pg", role=Role.PEER)
GRPCLIB = Contestant(name="grpclib", title="plain grpclib", role=Role.PEER)
BESIEGED = Contestant(name="besieged", title="… beside hostile clients", role=Role.OURS)
PGBENCH = Contestant(name="pgbench", title="pgbench, the peers' SQL", role=Role.LIMIT)
HELLO = Contestant(name="hello", title="granian, hello world", role=Role.LIMIT)


def without(tricks: Sequence[str]) -> Contestant:
    """Return our own service with tricks turned off, measured beside the one that has them."""
    return Contestant(name="without", title=f"… without {', '.join(tricks)}", role=Role.OURS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of load."""

    name: str
    title: str
    driver: Driver
    others: tuple[Contestant, ...] = ()
    """Who is measured beside ours; a statement of pgbench bears the scenario's name."""
    checks: int = 1
    """How many questions one request asks."""


SCENARIOS = (
    Scenario(
        name="list",
        title="list: 20 newest games and the total",
        driver=Driver.WRK,
        others=(FASTAPI, FASTIFY, PGBENCH),
    ),
    Scenario(
        name="by_name",
        title="list by name: first 20 and the total",
        driver=Driver.WRK,
        others=(FASTAPI, FASTIFY, PGBENCH),
    ),
    Scenario(
        name="item",
        title="item: one game, all of it",
        driver=Driver.WRK,
        others=(FASTAPI, FASTIFY, PGBENCH),
    ),
    Scenario(
        name="unchanged",
        title="unchanged list (If-None-Match → 304)",
        driver=Driver.WRK,
        others=(HELLO,),
    ),
    Scenario(
        name="access",
        title="gRPC CheckGameAccess",
        driver=Driver.GRPC,
        others=(GRPCLIB, PGBENCH),
    ),
    Scenario(name="batch", title="gRPC BatchCheckGameAccess, 100 games", driver=Driver.GRPC, checks=100),
    Scenario(
        name="hostile",
        title="gRPC CheckGameAccess, 200 a second, alone and beside hostile clients",
        driver=Driver.STEADY,
    ),
    Scenario(
        name="heartbeat",
        title="heartbeat of a session, durable",
        driver=Driver.WRK,
        others=(FASTAPI, FASTIFY, PGBENCH),
    ),
    Scenario(
        name="start",
        title="start of a session, with its event",
        driver=Driver.WRK,
        others=(FASTAPI, FASTIFY, PGBENCH),
    ),
    Scenario(name="end", title="end of a session, with its sums and events", driver=Driver.WRK),
    Scenario(name="mixed", title="mixed, at a fixed rate", driver=Driver.PACED),
)
"""In the order in which they are measured and shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run is asked for. Times are seconds. Raises StackError for a name that nobody knows."""

    rows: int = FULL_ROWS
    """Of user_libraries; every player has 50."""
    seconds: float = 10.0
    """How long one measurement takes."""
    warmup: float = 2.0
    """How long the same load runs before it, uncounted: connections, plans, caches, tokens."""
    rounds: int = 3
    """How often everybody is measured, in turn; the medians are shown."""
    rates: tuple[int, ...] = (1_000, 5_000)
    """Requests a second of the mixed load."""
    only: tuple[str, ...] = ()
    """Scenarios; none: all of them."""
    without: tuple[str, ...] = ()
    """Tricks; our service is measured with and without them."""
    peers: bool = True
    """Measure the peers and the limits too."""
    grow: int = 0
    """Measure ours with so many times the rows too, and tell only what a request costs then (see `growth`); 0: do not."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        _known("only", self.only, [each.name for each in SCENARIOS])
        _known("without", self.without, list(SWITCHES))
        if min(self.rows, self.seconds, self.rounds, *self.rates) <= 0 or self.warmup < 0:
            raise StackError("rows, seconds, rounds and rates are more than nothing")
        if self.grow < 0 or self.grow == 1:
            raise StackError("--grow: a whole number from 2 on")

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Return what is measured."""
        return tuple(each for each in SCENARIOS if not self.only or each.name in self.only)

    @property
    def is_whole(self) -> bool:
        """Tell whether the page can be written from it: everybody and everything, as long and often as it says."""
        # What has grown is ours alone.
        everybody = self.grow or self.peers
        everything = everybody and not self.only and not self.without and self.rows == FULL_ROWS
        return bool(everything) and self.seconds >= _SOUND_SECONDS and self.rounds >= _SOUND_ROUNDS

    @property
    def switched_off(self) -> dict[str, str]:
        """Return the settings of a deployable without the tricks."""
        return {name: value for trick in self.without for name, value in SWITCHES[trick].items()}

    def contestants(self, scenario: Scenario) -> tuple[Contestant, ...]:
        """Return who is measured in the scenario."""
        if scenario.driver is Driver.STEADY:
            return (OURS, BESIEGED)
        ours = (OURS, without(self.without)) if self.without else (OURS,)
        return (*ours, *(scenario.others if self.peers else ()))

    @property
    def longest_seconds(self) -> float:
        """Return after how long a run is given up, the start and the seeding not counted: twice what it should take."""
        one = self.warmup + self.seconds + _OVERHEAD_SECONDS
        return 2 * sum(
            len(self.contestants(each))
            * self.rounds
            * (one + (self.seconds * GATHERING if each.driver is Driver.STEADY else 0))
            * (len(self.rates) if each.driver is Driver.PACED else 1)
            for each in self.scenarios
        )


_OVERHEAD_SECONDS = 5.0
_SOUND_SECONDS, _SOUND_ROUNDS = 5.0, 3


def _known(option: str, names: Sequence[str], known: Sequence[str]) -> None:
    strangers = [name for name in names if name not in known]
    if strangers:
        raise StackError(f"--{option}: {', '.join(strangers)}; there are: {', '.join(known)}")
