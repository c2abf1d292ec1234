"""Databases for tests: migrated once, emptied after each test; on the embedded server and, where Debian has installed
it, on the oldest that we promise to run on (details 2.34)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from fakes.clock import START

from library_adapters.postgres import migrate
from library_devstack.stack import Postgres

_DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")

# What of the two is there is known before the tests are collected: nothing is skipped.
SERVERS = ["postgres", *(["postgres_15"] if _DEBIAN_15.is_dir() else [])]

_DISCONNECT = """
SELECT pg_terminate_backend(pid, 5000)
  FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_EMPTY = """
DO $$
DECLARE
    filled regclass;
BEGIN
    -- Foreign keys are checked by triggers: without them the order does not matter.
    SET LOCAL session_replication_role = replica;
    FOR filled IN
        SELECT oid
          FROM pg_class
         WHERE relkind IN ('r', 'p')
           AND NOT relispartition
           AND relnamespace IN ('public'::regnamespace, 'catalog'::regnamespace)
           AND relname !~ '^_?yoyo'
           AND oid <> 'catalog.epoch'::regclass
    LOOP
        EXECUTE format('DELETE FROM %s', filled);
    END LOOP;
    -- The one row that the migrations put there.
    UPDATE catalog.epoch SET epoch = 1, moves_at = '1970-01-01 00:00:00+00';
END
$$
"""


class Postgres15(Postgres):
    """The embedded server's component over Debian's programs."""

    def program(self, name: str) -> Path:
        return _DEBIAN_15 / name


def migrated_database(server: Postgres) -> str:
    """Make the server's database for tests; return its URL."""
    dsn = server.create_database("tests")
    migrate.apply(dsn)
    return dsn


@contextmanager
def borrowed(server: Postgres, dsn: str) -> Iterator[str]:
    """Lend the database to one test, and empty it afterwards: making one anew costs fifty times as much."""
    with psycopg.connect(dsn, autocommit=True) as owner:
        # Rows are written at the tests' own time and at the machine's, an hour before or after it.
        for since in (START, datetime.now(UTC) - timedelta(days=1)):
            migrate.ensure_partitions(owner, today=since)
    yield dsn
    with psycopg.connect(server.superuser_dsn("tests"), autocommit=True) as superuser:
        superuser.execute(_DISCONNECT)
        superuser.execute(_EMPTY)
