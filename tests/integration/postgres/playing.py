"""Pods on which sessions are played: by the ordinary way alone, or by the quick way first."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from arcade import Pod
from integration.postgres.pods import open_pod
from prometheus_client import CollectorRegistry

from library_adapters.postgres.hot_reads.batches import open_hot_reads
from library_adapters.postgres.quick_sessions import SESSION_READS, open_quick_sessions
from library_adapters.postgres.sessions import PostgresStaleSessions
from library_adapters.postgres.settings import HotReadSettings, HotWriteSettings
from library_adapters.system import Uuid7Source
from library_domain.shared.clock import Clock

# Long enough that nobody's patience ends on a busy machine: that has tests of its own.
PATIENT: dict[str, Any] = {
    "pool_timeout_seconds": 20.0,
    "lock_timeout_milliseconds": 20_000,
    "statement_timeout_milliseconds": 30_000,
    "hot_reads": HotReadSettings(queue_timeout_seconds=10.0, statement_timeout_milliseconds=10_000),
    "hot_writes": HotWriteSettings(queue_timeout_seconds=10.0, statement_timeout_milliseconds=10_000),
}


@asynccontextmanager
async def open_playing_pod(
    dsn: str, *, clock: Clock, quickly: bool, registry: CollectorRegistry | None = None
) -> AsyncIterator[Pod]:
    """Open a pod with `clock`; `registry` takes what the quick way counts."""
    registry = registry or CollectorRegistry()
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(open_pod(dsn, clock=clock, **PATIENT))
        quick = None
        if quickly:
            reads = await stack.enter_async_context(
                open_hot_reads(opened.settings, reads=SESSION_READS, registry=registry)
            )
            quick = await stack.enter_async_context(
                open_quick_sessions(
                    opened.uow,
                    opened.settings,
                    reads=reads,
                    clock=clock,
                    ids=Uuid7Source(),
                    registry=registry,
                )
            )
            assert quick is not None
        yield Pod(clock=clock, uow=opened.uow, stale=PostgresStaleSessions(opened.pool), quick=quick)


def quick_writes(registry: CollectorRegistry, outcome: str = "done") -> int:
    """Return how many writes of the quick way had this outcome."""
    counted = (
        registry.get_sample_value("library_quick_writes_total", {"write": write, "outcome": outcome})
        for write in ("start", "heartbeat", "end")
    )
    return int(sum(count or 0 for count in counted))
