"""What was measured."""

import statistics
from collections.abc import Sequence

import msgspec


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a load generator saw. Latencies are milliseconds, None where it does not tell them."""

    requests: int
    seconds: float
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    p999: float | None = None
    errors: int = 0
    """Refused, failed, late or not sent at all, because too many were under way."""

    @property
    def rate(self) -> float:
        """Return answered requests a second."""
        return self.requests / self.seconds


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One contestant under one load, once."""

    scenario: str
    contestant: str
    load: Load
    offered: int | None = None
    """Requests a second of an open loop."""
    cpu: dict[str, float]
    """CPU seconds, user and system, by who spent them: app, postgres, redis, load."""
    others: float
    """Share of the machine that went to what is no part of the run."""

    def per_request(self, who: str) -> float | None:
        """Return its CPU microseconds for one request; None if it took no part."""
        return None if who not in self.cpu else self.cpu[who] / max(self.load.requests, 1) * 1e6


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The medians of a contestant's rounds. CPU is microseconds a request, latencies are milliseconds."""

    scenario: str
    contestant: str
    offered: int | None
    rate: float
    slowest: float
    """The rate of the worst round, and of the best: how far chance goes."""
    fastest: float
    p50: float | None
    p95: float | None
    p99: float | None
    p999: float | None
    errors: int
    """Of all rounds."""
    requests: int
    """Of all rounds."""
    app: float | None
    postgres: float | None
    redis: float | None
    others: float
    """Share of the machine, at most, that went to what is no part of the run."""


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    facts: dict[str, str]
    """About the machine, the versions and the command, as the page shows them."""
    rows: list[Row]
    notes: list[str]
    """What a reader must know of this run: who was left out, and why."""

    def find(self, scenario: str, contestant: str, offered: int | None = None) -> Row | None:
        """Return the row, if it was measured."""
        wanted = (scenario, contestant, offered)
        return next((row for row in self.rows if (row.scenario, row.contestant, row.offered) == wanted), None)


def summed_up(measurements: Sequence[Measurement]) -> Row:
    """Return the medians of one contestant's rounds."""
    first, loads = measurements[0], [each.load for each in measurements]
    rates = [load.rate for load in loads]
    return Row(
        scenario=first.scenario,
        contestant=first.contestant,
        offered=first.offered,
        rate=statistics.median(rates),
        slowest=min(rates),
        fastest=max(rates),
        p50=_median([load.p50 for load in loads]),
        p95=_median([load.p95 for load in loads]),
        p99=_median([load.p99 for load in loads]),
        p999=_median([load.p999 for load in loads]),
        errors=sum(load.errors for load in loads),
        requests=sum(load.requests for load in loads),
        app=_median([each.per_request("app") for each in measurements]),
        postgres=_median([each.per_request("postgres") for each in measurements]),
        redis=_median([each.per_request("redis") for each in measurements]),
        others=max(each.others for each in measurements),
    )


def seen_as_load(milliseconds: Sequence[float], *, requests: int, seconds: float, errors: int = 0) -> Load:
    """Return a load with the percentiles of these latencies, which may be a sample of all.

    Nothing is interpolated, so each percentile is a latency that somebody had.
    """
    ordered = sorted(milliseconds)

    def at(share: float) -> float | None:
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else None

    return Load(
        requests=requests,
        seconds=seconds,
        p50=at(0.5),
        p95=at(0.95),
        p99=at(0.99),
        p999=at(0.999),
        errors=errors,
    )


def _median(values: Sequence[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return statistics.median(told) if told else None
