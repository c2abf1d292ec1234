"""Apply the migrations: a job of its own, never the start of a pod (contract 7).

    library-migrate apply|rollback|status

reads LIBRARY_POSTGRES__DSN. Several at once are safe, and a killed one leaves nothing behind that a person must clear.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import default_migration_table

from library_adapters.postgres.statements import statements

PARTITIONED = {
    "library_audit_log": "month",
    "playtime_sessions": "month",
    "playtime_stats_daily": "quarter",
}
"""Tables that are partitioned by time, and how long a partition of each is."""
MONTHS_AHEAD = 3
_LOCK_WAIT = "60s"
_CONNECT_SECONDS = 5
_SESSION_OPTIONS = (
    "-c client_connection_check_interval=1000",  # milliseconds; also while a statement runs or waits
    "-c tcp_keepalives_idle=5",
    "-c tcp_keepalives_interval=2",
    "-c tcp_keepalives_count=3",
)
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
    """Make the partitions up to MONTHS_AHEAD; return how many were made."""
    made = 0
    for parent, step in PARTITIONED.items():
        row = connection.execute(
            _SQL["ensure_partitions"],
            {"parent": parent, "step": step, "since": today.date(), "months": MONTHS_AHEAD},
        ).fetchone()
        made += row[0] if row else 0
    return made


# `Any`, here and below: yoyo publishes no types.
def _read(directory: Path | None) -> Any:  # noqa: ANN401
    migrations = read_migrations(str(directory or migrations_directory()))
    # schema.sql lies beside the migrations; it is what they make, not one of them.
    return migrations.filter(lambda migration: migration.id[0].isdigit())


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """Marks a migration in the transaction that applies or undoes it.

    yoyo does so in a second transaction on a second connection: a migrator that is killed between the two leaves a
    migration that can never be applied again, nor undone.
    """

    def copy(self) -> AbstractContextManager["_Backend"]:
        """Stay on this connection; inside the transaction below, yoyo's own become savepoints."""
        return nullcontext(self)

    def apply_one(self, migration: Any, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        """See yoyo."""
        with self._one_transaction(migration):
            super().apply_one(migration, *arguments, **options)

    def rollback_one(self, migration: Any, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        """See yoyo."""
        with self._one_transaction(migration):
            super().rollback_one(migration, *arguments, **options)

    def _one_transaction(self, migration: Any) -> AbstractContextManager[Any]:  # noqa: ANN401
        migration.load()
        # A migration that says "transactional: false" must do no harm when it is applied again.
        return self.transaction() if migration.use_transactions else nullcontext()


@contextmanager
def _backend(dsn: str) -> Iterator[tuple[Any, psycopg.Connection[Any]]]:
    """Give yoyo's backend while we hold a lock of our own.

    yoyo's lock is a row that a killed migrator leaves behind for ever (reliability, row 17). Ours dies with its
    connection; holding it, we may clear theirs.
    """
    parts = _connection_parts(dsn)
    with psycopg.connect(**parts, autocommit=True) as connection:
        connection.execute(_SQL["wait_for_lock"], {"timeout": _LOCK_WAIT})
        connection.execute(_SQL["migration_lock"])
        backend = _Backend(_uri(parts), default_migration_table)
        backend.init_database()
        try:
            backend.break_lock()
            with backend.lock():
                yield backend, connection
        finally:
            backend.connection.close()


def _connection_parts(dsn: str) -> dict[str, Any]:
    """Return how to connect so that the server soon ends the session of a migrator that was killed or has vanished."""
    parts = conninfo_to_dict(dsn)
    parts.setdefault("connect_timeout", _CONNECT_SECONDS)
    parts["options"] = " ".join((str(parts.get("options") or ""), *_SESSION_OPTIONS)).strip()
    return parts


def _uri(parts: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return the parts as yoyo takes them: as parameters, since it knows neither several hosts nor encoded names."""
    return DatabaseURI("postgresql+psycopg", None, None, None, None, parts.get("dbname"), parts)


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
