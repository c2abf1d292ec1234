"""How to reach PostgreSQL and how long to wait for it."""

from dataclasses import dataclass
from typing import Annotated

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field

from library_adapters.configuration import Seconds, Secret


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

    def __post_init__(self) -> None:
        """Refuse a DSN that libpq cannot read: later, its error would quote the password."""
        try:
            conninfo_to_dict(self.dsn.get_secret_value())
        except psycopg.ProgrammingError:
            raise ValueError("dsn is no connection string or URL of PostgreSQL") from None
