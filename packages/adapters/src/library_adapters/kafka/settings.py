"""How to reach Kafka, how long to wait for it, and what to do with a message that fails."""

import ssl
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from library_adapters.configuration import Seconds, Secret

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Servers = Annotated[str, Field(pattern=r"^[^\s,:/]+:[0-9]{1,5}(,[^\s,:/]+:[0-9]{1,5})*$")]
"""`host:port`, several separated by commas."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
"""What Kafka allows in names of topics; we keep groups and clients to it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSettings:
    """How topics are made where we make them (details 1.27). The defaults are production's, but for `partitions`."""

    partitions: Annotated[int, Field(ge=1, le=10_000)] = 12
    """48 in production. Never changed afterwards: a key would move to another partition and lose its order."""
    replication_factor: Annotated[int, Field(ge=1, le=10)] = 3
    min_insync_replicas: Annotated[int, Field(ge=1, le=10)] = 2
    retention_hours: Count = 7 * 24
    dead_letter_retention_hours: Count = 30 * 24

    def __post_init__(self) -> None:
        """Refuse what Kafka would accept and then never acknowledge."""
        if self.min_insync_replicas > self.replication_factor:
            raise ValueError("min_insync_replicas is larger than replication_factor")


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """The section `kafka`: the connection and the producer. Records are acknowledged by all in-sync replicas, always."""

    bootstrap_servers: Servers
    client_id: Name = "library-service"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ssl_ca_file: str | None = None
    """None: the authorities that the system trusts."""
    ssl_certificate_file: str | None = None
    ssl_key_file: str | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: Secret | None = None
    enable_idempotence: bool = True
    """Off only for brokers that do not know it, as the embedded one."""
    request_timeout_seconds: Seconds = 5.0
    delivery_timeout_seconds: Seconds = 10.0
    """How long one record may take to be acknowledged, retries included."""
    max_message_bytes: Annotated[int, Field(ge=1_024, le=64 * 1024 * 1024)] = 1024 * 1024
    """A larger value that we consume is a dead letter (reliability C3)."""
    max_request_bytes: Annotated[int, Field(ge=1_024, le=64 * 1024 * 1024)] = 4 * 1024 * 1024
    """Larger than `max_message_bytes`, so that an oversized record fits into the dead-letter topic as it is."""
    topics: TopicSettings = field(default_factory=TopicSettings)

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        if self.security_protocol.startswith("SASL") and (
            self.sasl_username is None or self.sasl_password is None
        ):
            raise ValueError("sasl_username and sasl_password are needed for SASL")
        if (self.ssl_certificate_file is None) != (self.ssl_key_file is None):
            raise ValueError("ssl_certificate_file and ssl_key_file come together")
        if self.max_request_bytes < self.max_message_bytes:
            raise ValueError("max_request_bytes is smaller than max_message_bytes")

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the context for connections, None without TLS. Raises OSError when a file cannot be read."""
        if not self.security_protocol.endswith("SSL"):
            return None
        context = ssl.create_default_context(cafile=self.ssl_ca_file)
        if self.ssl_certificate_file is not None:
            context.load_cert_chain(self.ssl_certificate_file, self.ssl_key_file)
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerSettings:
    """The section `consumers`: the groups, their workers, and the acknowledgement policy."""

    group_id: Name = "library-service"
    """Of the group `payments`; the others append their name: `library-service.catalog`."""
    workers: Annotated[int, Field(ge=1, le=64)] = 4
    """Members of each group in this process. Each has partitions of its own and works one message at a time."""
    session_timeout_seconds: Seconds = 10.0
    heartbeat_interval_seconds: Seconds = 3.0
    max_poll_interval_seconds: Seconds = 300.0
    rebalance_timeout_seconds: Seconds = 15.0
    join_timeout_seconds: Seconds = 60.0
    """How long a member waits for its group to give it partitions; then it leaves, and joins anew after a pause."""
    revoke_timeout_seconds: Seconds = 10.0
    """How long a rebalance waits for the message in hand."""
    drain_timeout_seconds: Seconds = 12.0
    """How long a stopping process waits for the message in hand."""
    fetch_wait_seconds: Annotated[float, Field(gt=0, le=10)] = 0.1
    """How long the broker keeps a request for messages when there are none. Kafka answers at once when one comes; the
    embedded broker does not, so there it bounds how late a message is seen."""
    commit_interval_seconds: Annotated[float, Field(ge=0, le=60)] = 0.1
    """Offsets of finished messages are committed together, at most this late; a crash repeats so much."""
    retry_min_seconds: Seconds = 0.1
    retry_max_seconds: Seconds = 4.0
    """The pause of a failing partition doubles up to this, so that work goes on within 5 s (reliability B1)."""
    bug_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    """How often a message that meets a bug is tried before it becomes a dead letter."""

    def __post_init__(self) -> None:
        """Refuse intervals that make a group fall apart."""
        if self.heartbeat_interval_seconds * 2 > self.session_timeout_seconds:
            raise ValueError("heartbeat_interval_seconds is more than half of session_timeout_seconds")
        if self.revoke_timeout_seconds >= self.rebalance_timeout_seconds:
            raise ValueError("revoke_timeout_seconds is not below rebalance_timeout_seconds")
        if self.join_timeout_seconds <= self.rebalance_timeout_seconds:
            raise ValueError("join_timeout_seconds is not above rebalance_timeout_seconds")
        if self.retry_min_seconds > self.retry_max_seconds:
            raise ValueError("retry_min_seconds is larger than retry_max_seconds")
