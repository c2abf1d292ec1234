"""Prometheus metrics. Each process has one registry, made at its start and handed to whoever counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from time import perf_counter

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from library_domain.shared.errors import DomainError

PREFIX = "library"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets of every duration: fine where our goals are (performance.md), coarse where timeouts end it."""


def new_registry() -> CollectorRegistry:
    """Return a registry that already tells of the process, the garbage collector and the interpreter."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


def outcome_of(error: BaseException | None) -> str:
    """Return the label value for how something ended: `ok`, a domain error's kind, or `error` for a bug."""
    if error is None:
        return "ok"
    return error.kind.value if isinstance(error, DomainError) else "error"


class DoorMetrics:
    """Counts what comes through one door (`rest`, `grpc`, `kafka`): requests, durations, requests in progress.

    `operation` is a row of the access matrix or an event type, never a raw path: labels stay few.
    """

    def __init__(self, door: str, registry: CollectorRegistry) -> None:
        self._door = door
        requests = Counter(
            f"{PREFIX}_requests",
            "Requests that came through a door, by how they ended.",
            ("door", "operation", "outcome"),
            registry=registry,
        )
        seconds = Histogram(
            f"{PREFIX}_request_duration_seconds",
            "How long a request took at its door.",
            ("door", "operation", "outcome"),
            buckets=SECONDS,
            registry=registry,
        )
        # To find labels costs the library more than to count.
        self._requests, self._seconds = cache(requests.labels), cache(seconds.labels)

    def observe(self, operation: str, *, outcome: str, seconds: float) -> None:
        """Count one finished request; `outcome` is the door's own status, such as `200` or `NOT_FOUND`."""
        self._requests(self._door, operation, outcome).inc()
        self._seconds(self._door, operation, outcome).observe(seconds)

    @contextmanager
    def measure(self, operation: str) -> Iterator[None]:
        """Count the block as one request whose outcome is `ok`, a domain error's kind, or `error`."""
        started = perf_counter()
        failure: BaseException | None = None
        try:
            yield
        except BaseException as error:
            failure = error
            raise
        finally:
            self.observe(operation, outcome=outcome_of(failure), seconds=perf_counter() - started)
