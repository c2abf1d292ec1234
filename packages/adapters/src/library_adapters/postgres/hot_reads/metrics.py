"""What the shared connections count: of reads, and of writes."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_READS = (1, 2, 4, 8, 16, 32, 64, 128)


class HotReadMetrics:
    """Of one process; `what` is read or write."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        what: str,
        waiting: Callable[[], int],
        in_flight: Callable[[], int],
    ) -> None:
        self.batch_size = Histogram(
            f"library_hot_{what}_batch_size",
            f"{what.capitalize()}s that went to PostgreSQL in one statement.",
            (what,),
            buckets=_READS,
            registry=registry,
        )
        self.queue_seconds = Histogram(
            f"library_hot_{what}_queue_seconds",
            f"How long the first {what} of a batch waited to be sent.",
            (what,),
            buckets=_SECONDS,
            registry=registry,
        )
        # Asked for when somebody looks, in another thread; counting along would cost each read more than its place.
        Gauge(
            f"library_hot_{what}_batches_in_flight",
            "Batches that were sent and not answered yet.",
            registry=registry,
        ).set_function(in_flight)
        Gauge(
            f"library_hot_{what}s_waiting",
            f"{what.capitalize()}s that wait for a connection to have room.",
            registry=registry,
        ).set_function(waiting)
        self.retries = Counter(
            f"library_hot_{what}_retries",
            f"{what.capitalize()}s sent again: `refused`, alone, after their batch failed, or `lost` with their connection.",
            ("reason",),
            registry=registry,
        )
