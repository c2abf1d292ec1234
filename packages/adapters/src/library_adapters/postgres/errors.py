"""Driver errors stop here (architecture, law 6)."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from library_domain.shared.errors import DependencyUnavailable

POSTGRES = "postgres"

# What passes by itself, by SQLSTATE or its class.
_TRANSIENT = (
    "08",  # the connection failed
    "25006",  # read-only: what was the primary is no more
    "25P03",  # idle in transaction for too long
    # The migration job has not come yet: every statement of ours is prepared against the migrated schema in CI, so
    # what is missing is missing in the database. A purchase must wait for it, not become a dead letter.
    "3F000",  # no such schema
    "42703",  # no such column
    "42883",  # no such function
    "42P01",  # no such table
    "40001",  # serialization failure
    "40P01",  # deadlock
    "53",  # no connection, memory or disk left
    "55P03",  # a lock was not to be had in time
    "57014",  # the statement took too long
    "57P",  # the server stops, starts or has ended our session
)

_CHECK_VIOLATION = "23514"


def is_transient(error: psycopg.Error) -> bool:
    """Tell whether the same call may succeed later without anybody changing anything."""
    if error.sqlstate == _CHECK_VIOLATION:
        # PostgreSQL says so too of a row that no partition takes, and then names the table but no constraint. It waits
        # for the sweeper as it would for the migration job.
        return error.diag.table_name is not None and error.diag.constraint_name is None
    if error.sqlstate is not None:
        return error.sqlstate.startswith(_TRANSIENT)
    # Without a SQLSTATE it comes from the driver or the pool: no connection, or none any more.
    return isinstance(error, psycopg.OperationalError)


@contextmanager
def driver_errors() -> Iterator[None]:
    """Turn what passes by itself into DependencyUnavailable; anything else is a bug and stays what it is."""
    try:
        yield
    except psycopg.Error as error:
        if is_transient(error):
            raise DependencyUnavailable(POSTGRES) from error
        raise
