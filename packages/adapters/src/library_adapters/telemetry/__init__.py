"""What a process tells about itself: logs, metrics, traces, health. It wraps use cases from outside (law 8)."""

from library_adapters.telemetry.facts import FactMetrics
from library_adapters.telemetry.instrument import Instrument
from library_adapters.telemetry.logs import FrequentLog, LogSettings, configure_logs, stdlib_logging
from library_adapters.telemetry.management import Management, ManagementSettings
from library_adapters.telemetry.metrics import DoorMetrics, new_registry
from library_adapters.telemetry.redaction import redact
from library_adapters.telemetry.tracing import Tracing, TracingSettings, trace_headers

__all__ = [
    "DoorMetrics",
    "FactMetrics",
    "FrequentLog",
    "Instrument",
    "LogSettings",
    "Management",
    "ManagementSettings",
    "Tracing",
    "TracingSettings",
    "configure_logs",
    "new_registry",
    "redact",
    "stdlib_logging",
    "trace_headers",
]
