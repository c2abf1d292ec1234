"""What a circuit breaker tells: metrics, a log line per change, and whoever must act when it opens."""

from collections.abc import Callable

from interlock import CoreEventListener, Outcome, State
from loguru import logger
from prometheus_client import CollectorRegistry, Gauge, Histogram

_LEVELS = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}


class CircuitReport(CoreEventListener):
    """Reports what the breaker of one dependency sees."""

    def __init__(self, dependency: str, *, registry: CollectorRegistry, on_open: Callable[[], None]) -> None:
        self._dependency = dependency
        self._on_open = on_open
        self._state = Gauge(
            "library_dependency_circuit_state",
            "0 closed: calls pass; 1 half open: one probe passes; 2 open: calls are refused without asking.",
            ("dependency",),
            registry=registry,
        ).labels(dependency)
        self._tries = Histogram(
            "library_dependency_try_seconds",
            "Tries to call another service, by outcome.",
            ("dependency", "outcome"),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0),
            registry=registry,
        )

    def on_state_change(self, *, name: str, old: State, new: State) -> None:  # noqa: ARG002 - the hook's signature
        """Show the new state; act when it is open."""
        self._state.set(_LEVELS[new])
        logger.warning("The circuit to {} went from {} to {}", self._dependency, old, new)
        if new is State.OPEN:
            self._on_open()

    def on_call(self, *, name: str, outcome: Outcome, duration: float) -> None:  # noqa: ARG002
        """Count the try and its seconds."""
        self._tries.labels(self._dependency, "failure" if outcome.is_failure else "success").observe(duration)
