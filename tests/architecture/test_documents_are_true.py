"""What can be checked of prose: links lead somewhere, commands and decisions that are named exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IGNORED = {".venv", ".tools", ".devstack", "build", "node_modules"}
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#[^)\s]*)?\)")
COMMAND = re.compile(r"`make ([a-z0-9-]+)")
TARGET = re.compile(r"^([a-z0-9_-]+):.*##", re.MULTILINE)
CITED = re.compile(r"\bADR (\d{4})\b")
OUR_PATH = re.compile(r"`((?:packages|services|tests|tools|docs|migrations|proto)/[\w./-]*\w)`")
HEADINGS = ["Context", "Decision", "Consequences", "How it is held"]

DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if not IGNORED & set(path.relative_to(ROOT).parts))
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))


def sources() -> Iterator[Path]:
    for room in ("packages", "services", "tools", "tests", "migrations", "proto"):
        for pattern in ("*.py", "*.sql", "*.proto"):
            yield from (ROOT / room).rglob(pattern)
    yield ROOT / "pyproject.toml"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_document_leads_to_what_exists(document: Path) -> None:
    text = document.read_text()
    targets = set(TARGET.findall((ROOT / "Makefile").read_text()))

    assert [link for link in LINK.findall(text) if not (document.parent / link).exists()] == []
    assert [name for name in COMMAND.findall(text) if name not in targets] == []
    assert [path for path in OUR_PATH.findall(text) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_decision_has_its_parts_and_is_listed(decision: Path) -> None:
    text = decision.read_text()

    assert text.startswith(f"# {int(decision.stem[:4])}. ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert decision.name in (ROOT / "docs/decisions/README.md").read_text()


def test_decisions_are_numbered_without_gaps() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{n:04}" for n in range(1, len(DECISIONS) + 1)]


def test_every_cited_decision_exists() -> None:
    known = {path.name[:4] for path in DECISIONS}

    cited = {(path.name, number) for path in sources() for number in CITED.findall(path.read_text())}

    assert {(name, number) for name, number in cited if number not in known} == set()
