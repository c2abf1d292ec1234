"""What we want of the figures. None of them fails a run: a missed one is told, and a profile has to say why."""

from collections.abc import Iterator
from dataclasses import dataclass

from library_devstack.bench.plan import BESIEGED, FASTAPI, GRPCLIB, OURS, PGBENCH
from library_devstack.bench.results import Results

_BATCH_CHECKS = 100
_CHECKS_WANTED = 40_000
_LIST_P99_MILLISECONDS = 25.0
_RATE_WANTED = 5_000
_SIEGE_WANTED = 2.0
_ANSWERED = 0.99
"""Share of an open loop's requests that counts as all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A goal beside what was measured."""

    text: str
    measured: str
    is_met: bool | None
    """None: it was not measured."""

    @property
    def mark(self) -> str:
        """Return how it went as one sign."""
        return {True: "✓", False: "✗", None: ""}[self.is_met]


def judged(results: Results) -> Iterator[Judged]:
    """Yield every goal."""
    yield _ratio(results, "list ≥ 2.5 × FastAPI + asyncpg", ("list", "list"), FASTAPI.name, 2.5)
    yield _ratio(results, "item ≥ 3 × FastAPI + asyncpg", ("item", "item"), FASTAPI.name, 3.0)
    yield _ratio(
        results, "unchanged list ≥ 6 × FastAPI + asyncpg's list", ("unchanged", "list"), FASTAPI.name, 6.0
    )
    yield _ratio(results, "access check ≥ 1.3 × plain grpclib", ("access", "access"), GRPCLIB.name, 1.3)
    yield _batch(results)
    yield _ratio(results, "heartbeat ≥ 6 × FastAPI + asyncpg", ("heartbeat", "heartbeat"), FASTAPI.name, 6.0)
    yield _ratio(results, "heartbeat ≥ 0.75 × pgbench", ("heartbeat", "heartbeat"), PGBENCH.name, 0.75)
    yield _ratio(results, "start ≥ 5 × FastAPI + asyncpg", ("start", "start"), FASTAPI.name, 5.0)
    yield _ratio(results, "start ≥ 0.6 × pgbench", ("start", "start"), PGBENCH.name, 0.6)
    yield _tail(results)
    yield from _mixed(results)
    yield _beside(results)


def _ratio(results: Results, text: str, scenarios: tuple[str, str], peer: str, wanted: float) -> Judged:
    ours, theirs = results.find(scenarios[0], OURS.name), results.find(scenarios[1], peer)
    if ours is None or theirs is None or not theirs.rate:
        return _unmeasured(text)
    ratio = ours.rate / theirs.rate
    return Judged(text=text, measured=f"{ratio:.2f} ×", is_met=ratio >= wanted)


def _batch(results: Results) -> Judged:
    text = f"batches ≥ {_CHECKS_WANTED:,} checks/s"
    row = results.find("batch", OURS.name)
    if row is None:
        return _unmeasured(text)
    checks = row.rate * _BATCH_CHECKS
    return Judged(text=text, measured=f"{checks:,.0f}/s", is_met=checks >= _CHECKS_WANTED)


def _tail(results: Results) -> Judged:
    text = f"p99 of the list ≤ {_LIST_P99_MILLISECONDS:g} ms at 32 connections"
    row = results.find("list", OURS.name)
    if row is None or row.p99 is None:
        return _unmeasured(text)
    return Judged(text=text, measured=f"{row.p99:.1f} ms", is_met=row.p99 <= _LIST_P99_MILLISECONDS)


def _beside(results: Results) -> Judged:
    """Return what a well-behaved client notices of others (reliability D3)."""
    text = "p99 beside hostile clients < 2 × that without"
    alone, beside = results.find("hostile", OURS.name), results.find("hostile", BESIEGED.name)
    if alone is None or beside is None or not alone.p99 or not beside.p99:
        return _unmeasured(text)
    ratio = beside.p99 / alone.p99
    return Judged(text=text, measured=f"{ratio:.2f} ×", is_met=ratio < _SIEGE_WANTED and not beside.errors)


def _mixed(results: Results) -> Iterator[Judged]:
    """Yield what the platform asks of the service as a whole (details 1.12), at its rate."""
    row = results.find("mixed", OURS.name, _RATE_WANTED)
    text = f"{_RATE_WANTED:,} requests/s, 90 % REST and 10 % gRPC"
    yield (
        _unmeasured(text)
        if row is None
        else Judged(text=text, measured=f"{row.rate:,.0f}/s", is_met=row.rate >= _RATE_WANTED * _ANSWERED)
    )
    for door, title, p95, p99 in (("rest", "REST", 100.0, 200.0), ("grpc", "gRPC", 50.0, 100.0)):
        text = f"{title} at that rate: p95 < {p95:g} ms, p99 < {p99:g} ms"
        row = results.find("mixed", door, _RATE_WANTED)
        if row is None or row.p95 is None or row.p99 is None:
            yield _unmeasured(text)
        else:
            is_met = row.p95 < p95 and row.p99 < p99
            yield Judged(text=text, measured=f"{row.p95:.0f} and {row.p99:.0f} ms", is_met=is_met)


def _unmeasured(text: str) -> Judged:
    return Judged(text=text, measured="not measured", is_met=None)
