"""What passes come to, for Prometheus: scraped with --loop, pushed by a pass that ends."""

import asyncio
import math

from loguru import logger
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import pushadd_to_gateway

from library_domain.shared.clock import Clock
from library_sweeper.sweep import Report

_PUSH_SECONDS = 5.0
_JOB = "library-sweeper"


class SweepMetrics:
    """Metrics of the sweeper, by task."""

    def __init__(self, registry: CollectorRegistry, *, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._records = Counter(
            "library_sweeper_records", "Records that a task dealt with.", ("task",), registry=registry
        )
        self._failures = Counter(
            "library_sweeper_failures", "Passes in which a task failed.", ("task",), registry=registry
        )
        self._unfinished = Counter(
            "library_sweeper_unfinished", "Passes that ended before a task did.", ("task",), registry=registry
        )
        self._seconds = Gauge(
            "library_sweeper_seconds", "How long a task took in the last pass.", ("task",), registry=registry
        )
        self._succeeded_at = Gauge(
            "library_sweeper_last_success_timestamp_seconds",
            "When a task last did something and did not fail.",
            ("task",),
            registry=registry,
        )
        self.partitions_ahead = Gauge(
            "library_partitions_ahead",
            "For how many months after this one the partitions are made; not a number until that was looked at.",
            registry=registry,
        )
        # A pass with --task that does not look would else report, and push, that there are none.
        self.partitions_ahead.set(math.nan)

    def observe(self, report: Report) -> None:
        """Count a pass."""
        for task, records in report.done.items():
            failed = task in report.failed
            self._records.labels(task).inc(records)
            self._failures.labels(task).inc(failed)
            self._unfinished.labels(task).inc(task in report.unfinished)
            self._seconds.labels(task).set(report.seconds[task])
            if not failed and task not in report.without_turn:
                self._succeeded_at.labels(task).set(self._clock.now().timestamp())

    async def push(self, url: str) -> None:
        """Leave the figures at a push gateway. That it does not take them fails no pass: they would be missed, and that shows."""
        try:
            await asyncio.to_thread(
                pushadd_to_gateway, url, job=_JOB, registry=self._registry, timeout=_PUSH_SECONDS
            )
        except OSError as error:
            logger.warning("the metrics were not pushed: {}", type(error).__name__)
