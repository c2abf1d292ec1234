"""Settings of this deployable."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from library_adapters.configuration import Port, Seconds
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.process import ProcessSettings
from library_adapters.system import ClockSettings
from library_adapters.telemetry import LogSettings, ManagementSettings, TracingSettings
from library_adapters.tokens import TokenSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcSettings:
    """The section `grpc`."""

    host: str = "127.0.0.1"
    port: Port = 50051
    max_message_bytes: Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)] = 4 * 1024 * 1024
    """A longer request is refused before it is read (reliability 2 #1), a longer answer instead of being sent."""
    calls_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """More calls at a time are refused: the caller's retry finds a process that has room."""
    calls_without_request: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """So many calls may have begun and not sent their request yet; when one more comes, the oldest of them is over."""
    whole_answers: bool = True
    """Whether head, message and trailers of an answer go out in one write, with what else is ready on the connection."""
    open_streams: Annotated[int, Field(ge=1, le=10_000)] = 100
    """So many watches of health and reflections at a time, which are open to all and may last, and so many checks."""
    call_timeout_seconds: Seconds = 10.0
    """How long a call may take whatever deadline its caller set, waiting for the request included."""
    operation_timeout_seconds: Seconds = 5.0
    """How long a use case may take. Longer than the waits inside it: the pool's and the statement's."""
    connection_age_seconds: Seconds = 1_800.0
    """A connection is retired at this age, a tenth sooner or later: its client connects anew, maybe to another process."""
    connection_grace_seconds: Seconds = 30.0
    """How long a retired connection waits for a moment without calls, and then for its last calls."""
    notice_seconds: Annotated[float, Field(ge=0, le=60)] = 0.5
    """How long calls are still taken after health said NOT_SERVING, so that who watches it goes elsewhere first."""
    drain_timeout_seconds: Seconds = 20.0
    """How long calls in progress may go on after the signal to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every section that this process reads."""

    postgres: PostgresSettings
    tokens: TokenSettings
    grpc: GrpcSettings = field(default_factory=GrpcSettings)
    clock: ClockSettings = field(default_factory=ClockSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    management: ManagementSettings = field(default_factory=ManagementSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)
    process: ProcessSettings = field(default_factory=ProcessSettings)
