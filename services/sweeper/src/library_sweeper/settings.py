"""What the sweeper is told at its start."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from library_adapters.configuration import URL, Seconds
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.system import ClockSettings
from library_adapters.telemetry import LogSettings, ManagementSettings, TracingSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SweeperSettings:
    """The section `sweeper`: a pass each minute that ends before the next begins (details 3.11)."""

    batch: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Records a statement; memory stays flat however many wait."""
    deadline_seconds: Seconds = 50.0
    """When a pass stops; what is left is for the next one."""
    interval_seconds: Seconds = 60.0
    """From the start of a pass to the start of the next, with --loop."""
    operation_timeout_seconds: Seconds = 10.0
    """How long one batch may take; a batch of `verify` ten times as long."""
    sessions_batch: Annotated[int, Field(ge=1, le=10_000)] = 25
    """Sessions that one batch ends, each in a transaction of its own; few, since the deadline is looked at in between."""
    sessions_parallel: Annotated[int, Field(ge=1, le=100)] = 4
    """How many such batches at a time, each on a connection; `postgres.pool_max` is at least this."""
    verify_batch: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Users whom `verify` compares in one operation."""
    push_url: URL | None = None
    """A Prometheus push gateway that takes the figures of a pass without --loop, which nobody could scrape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every section that this process reads."""

    postgres: PostgresSettings
    sweeper: SweeperSettings = field(default_factory=SweeperSettings)
    clock: ClockSettings = field(default_factory=ClockSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    management: ManagementSettings = field(default_factory=ManagementSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)
