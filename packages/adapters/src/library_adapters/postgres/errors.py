"""Driver errors stop here (architecture, law 6)."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from library_domain.shared.errors import DependencyUnavailable

POSTGRES = "postgres"

# What passes by itself: no connection, no answer in time, a lock or a deadlock lost, a server that stops or is full.
_TRANSIENT = (
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
    pg.LockNotAvailable,
    pg.QueryCanceled,
    pg.SerializationFailure,
    pg.DeadlockDetected,
    pg.AdminShutdown,
    pg.CrashShutdown,
    pg.CannotConnectNow,
    pg.InsufficientResources,
    pg.IdleInTransactionSessionTimeout,
    pg.ReadOnlySqlTransaction,
)


def is_transient(error: BaseException) -> bool:
    """Tell whether the same call may succeed later without anybody changing anything."""
    if isinstance(error, _TRANSIENT):
        return True
    # An OperationalError without a SQLSTATE comes from the driver itself: the connection is gone.
    return isinstance(error, psycopg.OperationalError) and (
        error.sqlstate is None or error.sqlstate.startswith("08")
    )


@contextmanager
def driver_errors() -> Iterator[None]:
    """Turn what passes by itself into DependencyUnavailable; anything else is a bug and stays what it is."""
    try:
        yield
    except psycopg.Error as error:
        if is_transient(error):
            raise DependencyUnavailable(POSTGRES) from error
        raise
