"""The migrations go up, down and up again; several migrators, and killed ones, do no harm (reliability G10, row 17)."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree

import psycopg
import pytest
from migrations.conftest import ROOT, Dump

from library_adapters.postgres import migrate

IDS = sorted(path.stem for path in (ROOT / "migrations").glob("[0-9]*.sql") if "rollback" not in path.name)
SECONDS = 20


def apply_first(dsn: str, count: int) -> None:
    """Apply migrations until so many are applied."""
    with migrate._backend(dsn) as (backend, _):
        missing = backend.to_apply(migrate._read(None))
        backend.apply_migrations(missing.replace([m for m in missing if m.id in IDS[:count]]))


class TestUpAndDown:
    def test_ends_where_it_began(self, any_empty_database: str, dump: Dump) -> None:
        empty = dump(any_empty_database)
        assert migrate.apply(any_empty_database) == IDS
        full = dump(any_empty_database)

        assert migrate.rollback(any_empty_database) == IDS[::-1]
        assert dump(any_empty_database) == empty
        assert migrate.apply(any_empty_database) == IDS
        assert dump(any_empty_database) == full

    def test_is_what_schema_sql_says(self, database: str, dump: Dump) -> None:
        assert dump(database) == (ROOT / "migrations/schema.sql").read_text()

    def test_each_step_is_undone_by_its_rollback(self, any_empty_database: str, dump: Dump) -> None:
        up = [dump(any_empty_database)]
        for count in range(1, len(IDS) + 1):
            apply_first(any_empty_database, count)
            up.append(dump(any_empty_database))
        assert len(set(up)) == len(IDS) + 1

        for count in reversed(range(1, len(IDS))):
            assert migrate.rollback(any_empty_database, to=IDS[count - 1]) == [IDS[count]]
            assert dump(any_empty_database) == up[count]

        migrate.apply(any_empty_database)
        assert dump(any_empty_database) == up[-1]

    def test_says_what_is_pending(self, empty_database: str) -> None:
        assert migrate.pending(empty_database) == IDS
        apply_first(empty_database, 2)
        assert migrate.pending(empty_database) == IDS[2:]
        assert migrate.apply(empty_database) == IDS[2:]
        assert migrate.pending(empty_database) == []

    def test_leaves_nothing_of_a_migration_that_fails(
        self, empty_database: str, tmp_path: Path, dump: Dump
    ) -> None:
        migrate.apply(empty_database)
        before = dump(empty_database)
        folder = copytree(ROOT / "migrations", tmp_path / "migrations")
        (folder / "9999-wrong.sql").write_text("CREATE TABLE half (id int);\nSELECT 1 / 0;\n")

        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate.apply(empty_database, folder)

        assert dump(empty_database) == before
        assert migrate.apply(empty_database) == []

    @pytest.mark.parametrize("step", ["mark_one", "unmark_one"])
    def test_is_marked_in_the_transaction_that_does_it(
        self, empty_database: str, dump: Dump, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        apply_first(empty_database, 2)
        before = dump(empty_database)

        def fail(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(migrate._Backend, step, fail)
            migrate.apply(empty_database) if step == "mark_one" else migrate.rollback(empty_database)

        assert dump(empty_database) == before
        assert migrate.apply(empty_database) == IDS[2:]


class TestSeveralMigrators:
    def test_of_twenty_at_once_one_applies_and_all_succeed(self, empty_database: str) -> None:
        with ThreadPoolExecutor(max_workers=20) as threads:
            applied = list(threads.map(lambda _: migrate.apply(empty_database), range(20)))

        assert sorted(applied) == [[]] * 19 + [IDS]

    def test_of_two_processes_the_second_waits_for_the_first(self, empty_database: str) -> None:
        processes = [start(empty_database) for _ in range(2)]
        answers = [process.communicate(timeout=60)[0].split() for process in processes]

        assert [process.returncode for process in processes] == [0, 0]
        assert sorted(answers) == [[], IDS]


class TestKilledMigrator:
    def test_blocks_nobody(self, empty_database: str, tmp_path: Path) -> None:
        folder = copytree(ROOT / "migrations", tmp_path / "migrations")
        (folder / "9999-stuck.sql").write_text(
            "CREATE TABLE half (id int);\nSELECT pg_advisory_xact_lock(42);\n"
        )

        with psycopg.connect(empty_database, autocommit=True) as observer:
            observer.execute("SELECT pg_advisory_lock(42)")
            with killed_at_the_end(start(empty_database, folder)):
                wait_until(observer, "SELECT FROM pg_stat_activity WHERE wait_event = 'advisory'")

            assert count(observer, "SELECT FROM yoyo_lock") == 1, "yoyo's own lock stays behind"
            began = time.monotonic()
            assert migrate.apply(empty_database) == []
            assert time.monotonic() - began < SECONDS
            # The server ends what the killed one had begun, though its lock is still held by somebody.
            wait_until(
                observer,
                "SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'advisory')",
            )
            assert count(observer, "SELECT FROM pg_tables WHERE tablename = 'half'") == 0
            assert count(observer, "SELECT FROM yoyo_lock") == 0

    def test_at_any_moment_blocks_nobody(self, empty_database: str) -> None:
        with psycopg.connect(empty_database, autocommit=True) as observer:
            for table in ("_yoyo_migration", "user_revisions", "library_audit_log"):
                with killed_at_the_end(start(empty_database)):
                    wait_until(observer, f"SELECT FROM pg_tables WHERE tablename = '{table}'")

        migrate.apply(empty_database)
        assert migrate.pending(empty_database) == []


class TestCommand:
    @pytest.mark.parametrize("arguments", [[], ["burn"], ["apply", "twice"]])
    def test_explains_itself_when_it_is_misused(
        self,
        arguments: list[str],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("LIBRARY_POSTGRES__DSN", "postgresql://nowhere/library")
        monkeypatch.setattr(sys, "argv", ["library-migrate", *arguments])

        with pytest.raises(SystemExit) as ended:
            migrate.main()

        assert ended.value.code == 2
        assert "library-migrate apply|rollback|status" in capsys.readouterr().err

    def test_names_the_setting_that_is_missing(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.delenv("LIBRARY_POSTGRES__DSN", raising=False)
        monkeypatch.setattr(sys, "argv", ["library-migrate", "apply"])

        with pytest.raises(SystemExit) as ended:
            migrate.main()

        assert ended.value.code == 2
        assert "LIBRARY_POSTGRES__DSN" in capsys.readouterr().err

    def test_prints_what_it_did(
        self, empty_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("LIBRARY_POSTGRES__DSN", empty_database)
        printed = {}
        for command in ("status", "apply", "rollback"):
            monkeypatch.setattr(sys, "argv", ["library-migrate", command])
            migrate.main()
            printed[command] = capsys.readouterr().out.split()

        assert printed == {"status": IDS, "apply": IDS, "rollback": IDS[::-1]}


class TestConnection:
    DSN = "postgresql://us%40er:p%2Fss%25@one:5432,two:5433/my%20library?target_session_attrs=read-write"

    def test_goes_to_several_hosts_under_any_name(self) -> None:
        parts = migrate._connection_parts(self.DSN)

        assert (parts["host"], parts["port"], parts["dbname"]) == ("one,two", "5432,5433", "my library")
        assert (parts["user"], parts["password"]) == ("us@er", "p/ss%")
        assert parts["target_session_attrs"] == "read-write"

    def test_is_told_to_yoyo_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: dict[str, object] = {}

        class Told(Exception):
            pass

        def connect(**arguments: object) -> None:
            told.update(arguments)
            raise Told

        parts = migrate._connection_parts(self.DSN)
        monkeypatch.setattr(psycopg, "connect", connect)
        with pytest.raises(Told):
            migrate._Backend(migrate._uri(parts), "_yoyo_migration")

        assert told == parts

    def test_keeps_the_options_of_the_operator(self) -> None:
        parts = migrate._connection_parts("host=one options='-c search_path=library'")

        assert parts["options"].startswith("-c search_path=library -c ")


def start(dsn: str, folder: Path | None = None) -> "subprocess.Popen[str]":
    """Start a migrator of its own, as the migration job does."""
    return subprocess.Popen(
        [sys.executable, "-m", "library_adapters.postgres.migrate", "apply"],
        env={
            **os.environ,
            "LIBRARY_POSTGRES__DSN": dsn,
            "LIBRARY_MIGRATIONS": str(folder or ROOT / "migrations"),
        },
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def killed_at_the_end(process: "subprocess.Popen[str]") -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)


def count(observer: psycopg.Connection, query: str) -> int:
    return observer.execute(query).rowcount


def wait_until(observer: psycopg.Connection, query: str) -> None:
    """Return when the query finds something."""
    deadline = time.monotonic() + SECONDS
    while not count(observer, query):
        assert time.monotonic() < deadline, f"never found: {query}"
