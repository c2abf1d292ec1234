"""A fake is worth what it has in common with the real thing: each module of fakes meets a conformance suite that its
adapter passes too."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
FAKE = re.compile(r"^class Fake\w+", re.MULTILINE)
IMPORTED = re.compile(r"^\s*from fakes\.(\w+) import", re.MULTILINE)
# A clock that is set has nothing to share with one that runs.
WITHOUT_SUITE = {"clock"}


def test_every_module_of_fakes_meets_a_conformance_suite() -> None:
    fakes = {path.stem for path in (TESTS / "fakes").glob("*.py") if FAKE.search(path.read_text())}
    tested = {
        name for path in (TESTS / "contract").rglob("*.py") for name in IMPORTED.findall(path.read_text())
    }
    assert fakes

    assert fakes - WITHOUT_SUITE - tested == set()
