"""Plugin: figures that tests measured, shown at the end of the run whether they passed or not, without `-s`."""

from collections.abc import Callable

import pytest

Report = Callable[[str], None]

_lines = pytest.StashKey[list[tuple[str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_lines] = []


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Give a function that keeps one line for the summary, under the test's name."""
    test = request.node.nodeid.rpartition("/")[2]
    kept = request.config.stash[_lines]
    return lambda line: kept.append((test, line))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash[_lines]
    if not lines:
        return
    terminalreporter.section("figures")
    shown = None
    for test, line in lines:
        if test != shown:
            terminalreporter.write_line(test, bold=True)
            shown = test
        terminalreporter.write_line(f"  {line}")
