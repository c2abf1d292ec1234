"""What happened to players, as figures (spec 4.1; details 1.11): counted from the facts that a transaction committed."""

from collections.abc import Sequence
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

from library_adapters.telemetry.metrics import PREFIX
from library_domain.playtime.events import PlaytimeAnomalyNoticed, SessionEndedEvent
from library_domain.playtime.model import Anomaly, EndReason
from library_domain.shared.events import DomainEvent

_MINUTE, _HOUR = 60, 3_600
SESSION_SECONDS = (
    *(minutes * _MINUTE for minutes in (1, 5, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 4, 6, 8, 12, 16, 24)),
)
"""Buckets of how long people play; a session never lasts longer than a day (contract 4.2)."""


class FactMetrics:
    """Counts the facts of one process: all by type, and of some what they tell. Players and games are no labels.

    To be called after the commit: what was rolled back did not happen.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        facts = Counter(
            f"{PREFIX}_facts",
            "Facts that were committed, by type: a published event's type, else the audit log's word for it.",
            ("type",),
            registry=registry,
        )
        self._facts = cache(facts.labels)
        ended = Counter(
            f"{PREFIX}_sessions_ended",
            "Sessions that ended, by why they did.",
            ("reason",),
            registry=registry,
        )
        # Shown from the start, so that the first of a kind is seen to grow.
        self._ended = {reason.value: ended.labels(reason) for reason in EndReason}
        self._session_seconds = Histogram(
            f"{PREFIX}_session_played_seconds",
            "Time of ended sessions that counts; the sum is what was played.",
            buckets=SESSION_SECONDS,
            registry=registry,
        )
        anomalies = Counter(
            f"{PREFIX}_playtime_anomalies", "Suspicious playtime, by kind.", ("kind",), registry=registry
        )
        self._anomalies = {kind.value: anomalies.labels(kind) for kind in Anomaly}

    def __call__(self, events: Sequence[DomainEvent]) -> None:
        """Count what a transaction committed."""
        for event in events:
            self._facts(event.event_type or event.action).inc()
            match event:
                case SessionEndedEvent():
                    self._ended[event.reason].inc()
                    self._session_seconds.observe(event.duration_seconds)
                case PlaytimeAnomalyNoticed():
                    self._anomalies[event.kind].inc()
                case _:
                    pass
