"""What passes come to, for Prometheus: scraped with --loop, pushed by a pass that ends."""

import asyncio
import math
from http.client import HTTPException

from loguru import logger
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import pushadd_to_gateway

from library_domain.playtime.model import EndReason
from library_domain.playtime.ports import RunningSessions
from library_domain.playtime.use_cases.sweep_sessions import SweepSessionsResult
from library_domain.shared.clock import Clock
from library_sweeper.sweep import Report

_PUSH_SECONDS = 5.0
_JOB = "library-sweeper"
_LATENESS_SECONDS = (1, 5, 15, 30, 60, 120, 300, 900, 3_600, 14_400, 86_400)
"""A pass a minute finds a session within one; what took longer was left by passes that were cut off, or there were none."""


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
        except (OSError, HTTPException) as error:
            logger.warning("the metrics were not pushed: {}", type(error).__name__)


class SessionMetrics:
    """Metrics of the task `sessions`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        running = Gauge(
            "library_sessions_live",
            "Sessions that run, by status, as of the end of the last walk; `over` are those that wait to be ended.",
            ("status",),
            registry=registry,
        )
        self._running = {status: running.labels(status) for status in ("active", "afk", "over")}
        # Nobody counted yet.
        for gauge in self._running.values():
            gauge.set(math.nan)
        swept = Counter(
            "library_sessions_swept",
            "Sessions that were ended, by why they were over.",
            ("reason",),
            registry=registry,
        )
        self._swept = {
            reason: swept.labels(reason)
            for reason in (EndReason.TIMEOUT, EndReason.AFK, EndReason.MAX_DURATION)
        }
        self._busy = Counter(
            "library_sessions_busy",
            "Sessions that were left for the next pass because somebody was at their user's data.",
            registry=registry,
        )
        self._failed = Counter(
            "library_sessions_failed",
            "Sessions that could not be ended; a person must look.",
            registry=registry,
        )
        self._lateness = Histogram(
            "library_sessions_sweep_lateness_seconds",
            "For how long a session had been over when it was ended.",
            buckets=_LATENESS_SECONDS,
            registry=registry,
        )

    def observe(self, result: SweepSessionsResult) -> None:
        """Count a batch."""
        for reason, sessions in result.ended.items():
            self._swept[reason].inc(sessions)
        for each in result.lateness:
            self._lateness.observe(each.total_seconds())
        self._busy.inc(result.busy)
        self._failed.inc(len(result.failed))

    def show(self, running: RunningSessions) -> None:
        """Say what runs."""
        self._running["active"].set(running.active)
        self._running["afk"].set(running.afk)
        self._running["over"].set(running.over)
