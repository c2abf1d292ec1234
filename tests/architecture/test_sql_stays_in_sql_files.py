"""SQL is source code with files of its own: no door and no adapter builds a statement from strings."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATEMENT = re.compile(
    r"^\s*(SELECT|INSERT\s+INTO|UPDATE|DELETE\s+FROM|WITH|CALL|TRUNCATE|LISTEN|NOTIFY)\b[ \n]"
)
# Asks whether somebody answers, and nothing about what is stored.
PING = "SELECT 1"


def sql_strings(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every string that reads like a statement; docstrings tell, they do not ask."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
            and STATEMENT.match(node.value)
            and node.value != PING
        ):
            yield node.lineno, node.value


@pytest.mark.parametrize("room", ["packages/domain", "packages/adapters", "services"])
def test_room_holds_no_sql(room: str) -> None:
    modules = sorted((ROOT / room).rglob("*.py"))
    assert modules

    found = [
        f"{module.relative_to(ROOT)}:{line}: {text.strip()[:60]}"
        for module in modules
        for line, text in sql_strings(module.read_text())
    ]

    assert found == []


def test_a_statement_in_a_string_is_noticed() -> None:
    source = '"""SELECT your words."""\nquery = f"SELECT id FROM {table}"\nword = "Update your client"\n'

    assert [line for line, _ in sql_strings(source)] == [2]
