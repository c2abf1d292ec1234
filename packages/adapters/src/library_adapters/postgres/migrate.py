"""Apply the migrations: a job of its own, never the start of a pod (contract 7).

    library-migrate apply|rollback|status

reads LIBRARY_POSTGRES__DSN. Several at once are safe, and a killed one leaves nothing behind that a person must clear.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from yoyo import get_backend, read_migrations

from library_adapters.postgres.statements import statements

PARTITIONED = ("library_audit_log",)
"""Tables that are partitioned by month."""
MONTHS_AHEAD = 3
_LOCK_WAIT = "60s"
_SQL = statements("migrate")


def migrations_directory() -> Path:
    """Return LIBRARY_MIGRATIONS, else the `migrations` folder of the checkout or image."""
    configured = os.environ.get("LIBRARY_MIGRATIONS")
    if configured:
        return Path(configured)
    for folder in (Path.cwd(), *Path(__file__).parents):
        if (folder / "migrations" / "0001-users.sql").is_file():
            return folder / "migrations"
    msg = "no migrations found: set LIBRARY_MIGRATIONS"
    raise FileNotFoundError(msg)


def apply(dsn: str, directory: Path | None = None, *, today: datetime | None = None) -> list[str]:
    """Apply what is missing and make partitions ahead; return the ids that were applied."""
    with _backend(dsn) as (backend, connection):
        missing = backend.to_apply(_read(directory))
        backend.apply_migrations(missing)
        ensure_partitions(connection, today=today or datetime.now(UTC))
        return [migration.id for migration in missing]


def rollback(dsn: str, directory: Path | None = None, *, to: str | None = None) -> list[str]:
    """Roll back everything, or everything after the migration `to`; return the ids that were rolled back."""
    with _backend(dsn) as (backend, _):
        applied = backend.to_rollback(_read(directory))
        later = [migration for migration in applied if to is None or migration.id > to]
        backend.rollback_migrations(applied.replace(later))
        return [migration.id for migration in later]


def pending(dsn: str, directory: Path | None = None) -> list[str]:
    """Return the ids of the migrations that are not applied."""
    with _backend(dsn) as (backend, _):
        return [migration.id for migration in backend.to_apply(_read(directory))]


def ensure_partitions(connection: psycopg.Connection[Any], *, today: datetime) -> int:
    """Make the monthly partitions up to MONTHS_AHEAD; return how many were made."""
    made = 0
    for parent in PARTITIONED:
        row = connection.execute(
            _SQL["ensure_partitions"], {"parent": parent, "since": today.date(), "months": MONTHS_AHEAD}
        ).fetchone()
        made += row[0] if row else 0
    return made


def _read(directory: Path | None) -> Any:  # noqa: ANN401 -- yoyo publishes no types
    migrations = read_migrations(str(directory or migrations_directory()))
    # schema.sql lies beside the migrations; it is what they make, not one of them.
    return migrations.filter(lambda migration: migration.id[0].isdigit())


@contextmanager
def _backend(dsn: str) -> Iterator[tuple[Any, psycopg.Connection[Any]]]:
    """Give yoyo's backend while we hold a lock of our own.

    yoyo's lock is a row that a killed migrator leaves behind for ever (reliability, row 17). Ours dies with its
    connection; holding it, we may clear theirs.
    """
    with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
        connection.execute(_SQL["wait_for_lock"], {"timeout": _LOCK_WAIT})
        connection.execute(_SQL["migration_lock"])
        backend = get_backend(_yoyo_uri(dsn))
        try:
            backend.break_lock()
            with backend.lock():
                yield backend, connection
        finally:
            backend.connection.close()


def _yoyo_uri(dsn: str) -> str:
    """Return the DSN under the scheme by which yoyo finds psycopg 3."""
    if "://" not in dsn:
        parts = conninfo_to_dict(dsn)
        msg = f"the DSN must be a URL, not key=value pairs ({', '.join(sorted(parts))})"
        raise ValueError(msg)
    return "postgresql+psycopg://" + dsn.split("://", 1)[1]


def main() -> None:
    """Run one command; exit with 2 when it is unknown or LIBRARY_POSTGRES__DSN is missing."""
    commands: dict[str, Callable[[str], list[str]]] = {
        "apply": apply,
        "rollback": rollback,
        "status": pending,
    }
    dsn = os.environ.get("LIBRARY_POSTGRES__DSN", "")
    chosen = sys.argv[1:]
    if len(chosen) != 1 or chosen[0] not in commands or not dsn:
        sys.stderr.write(
            "usage: LIBRARY_POSTGRES__DSN=postgresql://… library-migrate apply|rollback|status\n"
        )
        raise SystemExit(2)
    for migration in commands[chosen[0]](dsn):
        sys.stdout.write(f"{migration}\n")


if __name__ == "__main__":
    main()
