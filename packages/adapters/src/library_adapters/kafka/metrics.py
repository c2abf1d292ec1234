"""What consuming and publishing count."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ConsumerMetrics:
    """Metrics of one consuming process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Counter(
            "library_consumer_messages",
            "Attempts at messages, by how they ended: processed, duplicate, skipped, dead_lettered, retried.",
            ("topic", "outcome"),
            registry=registry,
        )
        self.dead_letters = Counter(
            "library_consumer_dead_letters",
            "Messages that became dead letters, by reason.",
            ("topic", "reason"),
            registry=registry,
        )
        self.seconds = Histogram(
            "library_consumer_processing_seconds",
            "How long one attempt at a message took.",
            ("topic",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.paused = Gauge(
            "library_consumer_paused_partitions",
            "Partitions that wait to try a message again.",
            registry=registry,
        )
        self._lag = Gauge(
            "library_consumer_lag",
            "Messages of a partition that this process has not taken yet.",
            ("topic", "partition"),
            registry=registry,
        )

    def lag(self, topic: str, partition: int, messages: int) -> None:
        """Say how far behind a partition is."""
        self._lag.labels(topic, partition).set(messages)

    def forget(self, topic: str, partition: int) -> None:
        """Stop reporting a partition that another process has now: a stale lag would page somebody."""
        self._lag.remove_by_labels({"topic": topic, "partition": str(partition)})
