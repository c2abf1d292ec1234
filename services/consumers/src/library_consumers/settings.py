"""Settings of the commands of this image."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from library_adapters.catalog import CatalogSettings
from library_adapters.configuration import Seconds
from library_adapters.kafka import ConsumerSettings, KafkaSettings
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.system import ClockSettings
from library_adapters.telemetry import LogSettings, ManagementSettings, TracingSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumersSection(ConsumerSettings):
    """The section `consumers`."""

    operation_timeout_seconds: Seconds = 5.0
    """How long a use case may take. Longer than the waits inside it: the pool's and the statement's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySection:
    """The section `relay`."""

    batch: Annotated[int, Field(ge=1, le=10_000)] = 500
    """How many messages one pass takes."""
    idle_seconds: Annotated[float, Field(gt=0, le=10)] = 0.25
    """How long a relay that was not called waits before it looks by itself (data 19)."""
    upkeep_seconds: Seconds = 1.0
    """How often it tries for shards that nobody holds, and measures."""
    retry_min_seconds: Seconds = 0.1
    retry_max_seconds: Seconds = 3.0
    """The pause while Kafka or PostgreSQL is away doubles up to this, so that work goes on within 5 s (reliability B1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSection:
    """The section `work`."""

    concurrency: Annotated[int, Field(ge=1, le=100)] = 8
    """How many jobs one runner works side by side. Each may want a connection: `postgres.pool_max` is at least this."""
    poll_seconds: Annotated[float, Field(gt=0, le=10)] = 0.5
    """How long a runner without work waits at most before it looks for some; at least half of it."""
    lease_seconds: Annotated[float, Field(ge=3, le=600)] = 30.0
    """For how long a job is held; renewed three times as often. So long waits a job whose runner died."""
    operation_timeout_seconds: Seconds = 10.0
    """How long one step may take. SIGTERM waits for the steps in hand."""
    failures_max: Annotated[int, Field(ge=1, le=1_000)] = 10
    """After so many errors of ours in a row a job is given up. That a dependency is away is none."""
    retry_min_seconds: Seconds = 1.0
    retry_max_seconds: Seconds = 60.0
    """The pause before a step that failed is tried again doubles up to this, and is up to half as long again."""
    away_max_seconds: Seconds = 3.0
    """The pause while PostgreSQL is away doubles up to this."""
    upkeep_seconds: Seconds = 5.0
    """How often what waits is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumeSettings:
    """Every section that `consume` reads."""

    kafka: KafkaSettings
    postgres: PostgresSettings
    catalog: CatalogSettings
    consumers: ConsumersSection = field(default_factory=ConsumersSection)
    clock: ClockSettings = field(default_factory=ClockSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    management: ManagementSettings = field(default_factory=ManagementSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """Every section that `relay` reads."""

    kafka: KafkaSettings
    postgres: PostgresSettings
    relay: RelaySection = field(default_factory=RelaySection)
    clock: ClockSettings = field(default_factory=ClockSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    management: ManagementSettings = field(default_factory=ManagementSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSettings:
    """Every section that `outbox` reads."""

    postgres: PostgresSettings
    logs: LogSettings = field(default_factory=LogSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSettings:
    """Every section that `work` reads."""

    postgres: PostgresSettings
    catalog: CatalogSettings
    work: WorkSection = field(default_factory=WorkSection)
    clock: ClockSettings = field(default_factory=ClockSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    management: ManagementSettings = field(default_factory=ManagementSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicsSettings:
    """Every section that `topics` reads."""

    kafka: KafkaSettings
    logs: LogSettings = field(default_factory=LogSettings)
