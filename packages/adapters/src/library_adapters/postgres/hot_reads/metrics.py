"""What the hot reads count."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_READS = (1, 2, 4, 8, 16, 32, 64, 128)


class HotReadMetrics:
    """Of one process."""

    def __init__(
        self, registry: CollectorRegistry, *, waiting: Callable[[], int], in_flight: Callable[[], int]
    ) -> None:
        self.batch_size = Histogram(
            "library_hot_read_batch_size",
            "Reads that went to PostgreSQL in one statement.",
            ("read",),
            buckets=_READS,
            registry=registry,
        )
        self.queue_seconds = Histogram(
            "library_hot_read_queue_seconds",
            "How long the first read of a batch waited to be sent.",
            ("read",),
            buckets=_SECONDS,
            registry=registry,
        )
        # Asked for when somebody looks, in another thread; counting along would cost each read more than its place.
        Gauge(
            "library_hot_read_batches_in_flight",
            "Batches that were sent and not answered yet.",
            registry=registry,
        ).set_function(in_flight)
        Gauge(
            "library_hot_reads_waiting", "Reads that wait for a connection to have room.", registry=registry
        ).set_function(waiting)
        self.retries = Counter(
            "library_hot_read_retries",
            "Reads that were sent again: `refused`, alone, after their batch failed, or `lost` with their connection.",
            ("reason",),
            registry=registry,
        )
