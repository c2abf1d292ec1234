"""How to reach PostgreSQL and how long to wait for it."""

from dataclasses import dataclass, field
from typing import Annotated

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field

from library_adapters.configuration import Seconds, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class HotReadSettings:
    """How REST and gRPC read what is asked for most: page, item, version, rights (performance.md, tricks 1 and 2)."""

    enabled: bool = True
    """No: every read takes a connection of the pool. To be turned off on Citus (data 31)."""
    connections: Annotated[int, Field(ge=1, le=16)] = 2
    """Of a process, beside the pool's. Each kind of read uses one at a time."""
    in_flight: Annotated[int, Field(ge=1, le=64)] = 2
    """Batches that were sent on a connection and not answered yet; who comes then waits for the next."""
    batch: Annotated[int, Field(ge=1, le=1_000)] = 64
    """How many are read for by one statement; 1: reads share connections, but no statements."""
    waiting_max: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """How many reads may wait to be sent; more are refused at once."""
    queue_timeout_seconds: Seconds = 1.0
    """How long a read waits to be sent, in steps of a tenth of a second."""
    statement_timeout_milliseconds: Annotated[int, Field(ge=1, le=60_000)] = 1_000
    """Shorter than the pool's: others wait behind a batch (data 31)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HotWriteSettings:
    """How REST writes what many clients write at once: heartbeat, start and end of own copies (data 31)."""

    enabled: bool = True
    """No: every write is a transaction of its own. To be turned off on Citus (data 31)."""
    connections: Annotated[int, Field(ge=1, le=16)] = 2
    """Of a process, beside the pool's and those of the hot reads."""
    in_flight: Annotated[int, Field(ge=1, le=64)] = 2
    """Batches that were sent on a connection and not answered yet; who comes then waits for the next."""
    batch: Annotated[int, Field(ge=1, le=1_000)] = 64
    """How many users one statement writes for; 1: writes share connections, but no statements."""
    waiting_max: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """How many writes may wait to be sent; more are refused at once."""
    queue_timeout_seconds: Seconds = 1.0
    """How long a write waits to be sent, in steps of a tenth of a second."""
    statement_timeout_milliseconds: Annotated[int, Field(ge=1, le=60_000)] = 1_000
    """Shorter than the pool's: others wait behind a batch (data 31)."""
    lock_timeout_milliseconds: Annotated[int, Field(ge=1, le=60_000)] = 200
    """How long a batch waits for a row that it could not pass over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSettings:
    """Bounds of everything that waits for the database; seconds unless the name says otherwise.

    `dsn` may name several hosts with `target_session_attrs=read-write` (details 1.28).
    """

    dsn: Secret
    pool_min: Annotated[int, Field(ge=0, le=100)] = 1
    pool_max: Annotated[int, Field(ge=1, le=200)] = 10
    pool_timeout_seconds: Seconds = 1.0
    pool_waiting_max: Annotated[int, Field(ge=1)] = 1_000
    connect_timeout_seconds: Annotated[int, Field(ge=1, le=30)] = 2
    statement_timeout_milliseconds: Annotated[int, Field(ge=1, le=60_000)] = 2_000
    lock_timeout_milliseconds: Annotated[int, Field(ge=1, le=60_000)] = 2_000
    idle_in_transaction_timeout_milliseconds: Annotated[int, Field(ge=1)] = 10_000
    connection_lifetime_seconds: Seconds = 1_800
    user_waiting_max: Annotated[int, Field(ge=1)] = 256
    """How many writers of one user may wait in memory for the one that is in the pool (data 9)."""
    wakeups_per_second: Annotated[int, Field(ge=1, le=100)] = 10
    hot_reads: HotReadSettings = field(default_factory=HotReadSettings)
    hot_writes: HotWriteSettings = field(default_factory=HotWriteSettings)

    def __post_init__(self) -> None:
        """Refuse a DSN that libpq cannot read: later, its error would quote the password."""
        try:
            conninfo_to_dict(self.dsn.get_secret_value())
        except psycopg.ProgrammingError:
            raise ValueError("dsn is no connection string or URL of PostgreSQL") from None
