"""What every migration looks like, before any database sees it."""

import re
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from library_adapters.postgres import migrate

FOLDER = Path(__file__).parents[2] / "migrations"
FILES = sorted(FOLDER.glob("[0-9]*.sql"))
MIGRATIONS = [path for path in FILES if not path.name.endswith(".rollback.sql")]
HANDED_OVER = Path(__file__).with_name("handed_over.sha256")
ROLLBACKS = {path.name.removesuffix(".rollback.sql") for path in FILES} - {path.name for path in MIGRATIONS}


def test_there_are_some() -> None:
    assert MIGRATIONS
    assert migrate.migrations_directory() == FOLDER


def test_every_migration_has_its_rollback_and_every_rollback_its_migration() -> None:
    assert {path.stem for path in MIGRATIONS} == ROLLBACKS


def test_numbers_follow_one_another() -> None:
    assert [int(path.name[:4]) for path in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


@pytest.mark.parametrize("before_and_after", list(pairwise(MIGRATIONS)))
def test_each_depends_on_the_one_before(before_and_after: tuple[Path, Path]) -> None:
    before, after = before_and_after

    assert f"-- depends: {before.stem}\n" in after.read_text()


def test_what_was_handed_over_is_never_changed() -> None:
    """Somebody's database has it already, and would never get what came into it later."""
    handed_over = [line.split() for line in HANDED_OVER.read_text().splitlines()]

    assert handed_over == [
        [sha256((FOLDER / name).read_bytes()).hexdigest(), name] for _, name in handed_over
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_lock_is_awaited_for_long(path: Path) -> None:
    first, second = re.findall(r"^SET LOCAL (\w+) = '(\d+)s';$", path.read_text(), re.MULTILINE)[:2]

    assert (first[0], second[0]) == ("lock_timeout", "statement_timeout")
    assert int(first[1]) <= 2
    assert int(second[1]) <= 60


@pytest.mark.parametrize("path", [p for p in FILES if p not in MIGRATIONS], ids=lambda path: path.name)
def test_a_rollback_fails_rather_than_passing_over_what_is_not_there(path: Path) -> None:
    assert "IF EXISTS" not in path.read_text().upper()
    assert "CASCADE" not in path.read_text().upper()
