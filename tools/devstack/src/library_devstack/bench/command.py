"""What `library-dev bench` does with a plan."""

from pathlib import Path

import msgspec
from rich.console import Console

from library_devstack.bench.growth import measure_growth
from library_devstack.bench.plan import Plan
from library_devstack.bench.report import PAGE, growth_table, shown, write, write_growth
from library_devstack.bench.run import measure
from library_devstack.console import console, notes
from library_devstack.stack import StackError

_WIDTH = 150


def bench(plan: Plan, *, directory: Path, workspace: Path) -> None:
    """Measure and tell: on the terminal, in the directory's results.json, and on the page if the run is a whole one.

    Raises StackError.
    """
    if plan.grow:
        _grow(plan, directory=directory, workspace=workspace)
        return
    results = measure(plan, directory=directory / str(plan.rows), workspace=workspace)
    file = directory / "results.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    # Never narrower than the figures are, whatever it is shown on.
    wide = Console(width=max(console.width, _WIDTH))
    for table in shown(results):
        wide.print(table)
    for note in results.notes:
        notes.print(f"[yellow]![/] {note}")
    if plan.is_whole:
        write(results, workspace / "docs")
        notes.print(f"[green]✓[/] docs/{PAGE} tells of it")


def _grow(plan: Plan, *, directory: Path, workspace: Path) -> None:
    growth = measure_growth(plan, directory=directory, workspace=workspace)
    (directory / "growth.json").write_bytes(msgspec.json.format(msgspec.json.encode(growth)))
    console.print(growth_table(growth, plan))
    if plan.is_whole:
        write_growth(growth, plan, workspace / "docs")
        notes.print(f"[green]✓[/] docs/{PAGE} tells of it")


def words(text: str) -> tuple[str, ...]:
    """Return the words of a list with commas between."""
    return tuple(word for part in text.split(",") if (word := part.strip()))


def numbers(text: str, *, option: str) -> tuple[int, ...]:
    """Return the whole numbers of a list with commas between. Raises StackError naming the option."""
    try:
        return tuple(int(word) for word in words(text))
    except ValueError as problem:
        raise StackError(f"--{option}: {text!r} is no list of whole numbers") from problem
