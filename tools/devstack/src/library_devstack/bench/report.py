"""Telling of a run: the tables of docs/performance.md, and the same on the terminal."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from library_devstack.bench.goals import judged
from library_devstack.bench.growth import Grown
from library_devstack.bench.growth import judged as judged_growth
from library_devstack.bench.picture import picture
from library_devstack.bench.plan import (
    BESIEGED,
    FASTAPI,
    FASTIFY,
    GRPCLIB,
    HELLO,
    OURS,
    PGBENCH,
    SCENARIOS,
    Plan,
    Scenario,
)
from library_devstack.bench.results import Results, Row
from library_devstack.stack import StackError

PAGE, PICTURE = "performance.md", "performance.svg"
_BLOCK = "<!-- made by `make bench`: {name} -->\n{text}<!-- end -->"
_TITLES = {each.name: each.title for each in (OURS, BESIEGED, FASTAPI, FASTIFY, GRPCLIB, PGBENCH, HELLO)} | {
    "without": "… without the tricks turned off",
    "rest": "… its REST, 90 %",
    "grpc": "… its gRPC, 10 %",
}
_NOTHING = "—"


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    value: Callable[[Row], str]


_COLUMNS = (
    _Column("requests/s", lambda row: f"{row.rate:,.0f}"),
    _Column("rounds", lambda row: f"{row.slowest:,.0f}–{row.fastest:,.0f}"),
    _Column("p50 ms", lambda row: _milliseconds(row.p50)),
    _Column("p95 ms", lambda row: _milliseconds(row.p95)),
    _Column("p99 ms", lambda row: _milliseconds(row.p99)),
    _Column("p99.9 ms", lambda row: _milliseconds(row.p999)),
    _Column("CPU µs: process", lambda row: _whole(row.app)),
    _Column("PostgreSQL", lambda row: _whole(row.postgres)),
    _Column("Redis", lambda row: _whole(row.redis)),
    _Column("errors", lambda row: f"{row.errors:,}"),
)


def write(results: Results, folder: Path) -> None:
    """Put tables and picture into the page, whose words are somebody's. Raises StackError for a page without places."""
    _fill(
        folder / PAGE,
        {"goals": _goals(results), "tables": _tables(results), "facts": _facts(results)},
    )
    (folder / PICTURE).write_text(picture(results), "utf-8")


def write_growth(growth: Sequence[Grown], plan: Plan, folder: Path) -> None:
    """Put what more rows cost into the page. Raises StackError for a page without the place."""
    goal = judged_growth(growth, grow=plan.grow)
    head = ["", *_growth_heads(plan)]
    lines = [
        _line(head),
        _line(["---", *("---:" for _ in head[1:])]),
        *(_line(cells) for cells in map(_growth_cells, growth)),
        "",
        f"{goal.mark} {goal.text}: {goal.measured}",
        "",
    ]
    _fill(folder / PAGE, {"growth": "\n".join(lines)})


def growth_table(growth: Sequence[Grown], plan: Plan) -> Table:
    """Return the same as a terminal shows it."""
    goal = judged_growth(growth, grow=plan.grow)
    table = Table("", title="growth", caption=f"{goal.mark} {goal.text}: {goal.measured}", box=None)
    for head in _growth_heads(plan):
        table.add_column(head, justify="right", no_wrap=True)
    for each in growth:
        table.add_row(*_growth_cells(each))
    return table


def _growth_heads(plan: Plan) -> list[str]:
    return [f"CPU µs, {plan.rows:,} rows", f"{plan.rows * plan.grow:,} rows", "ratio"]


def _growth_cells(each: Grown) -> list[str]:
    return [each.title, f"{each.few:,.0f}", f"{each.many:,.0f}", f"{each.ratio:.2f} ×"]


def _fill(page: Path, blocks: Mapping[str, str]) -> None:
    text = page.read_text("utf-8")
    for name, block in blocks.items():
        text, found = re.subn(
            re.escape(_BLOCK).replace(r"\{name\}", name).replace(r"\{text\}", ".*?"),
            lambda _, name=name, block=block: _BLOCK.format(name=name, text=block),  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
        if found != 1:
            raise StackError(f"{PAGE} has {found} places for the {name}, not one")
    page.write_text(text, "utf-8")


def shown(results: Results) -> Iterator[Table]:
    """Yield the tables as a terminal shows them."""
    for scenario, rows in _by_scenario(results):
        table = Table("", title=scenario.title, title_justify="left", box=None)
        for column in _COLUMNS:
            table.add_column(column.title, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(_title(row), *(column.value(row) for column in _COLUMNS))
        yield table
    goals = Table("", "goal", "measured", title="goals", title_justify="left", box=None)
    for goal in judged(results):
        if goal.is_met is not None:
            goals.add_row(goal.mark, goal.text, goal.measured)
    yield goals


def _goals(results: Results) -> str:
    lines = [f"| {goal.text} | {goal.measured} | {goal.mark} |" for goal in judged(results)]
    return "\n".join(["| goal | measured | |", "| --- | --- | --- |", *lines, ""])


def _tables(results: Results) -> str:
    parts: list[str] = []
    for scenario, rows in _by_scenario(results):
        head = ["", *(column.title for column in _COLUMNS)]
        parts += [f"### {_heading(scenario.title)}", ""]
        parts += [_line(head), _line(["---", *("---:" for _ in _COLUMNS)])]
        parts += [_line([_title(row), *(column.value(row) for column in _COLUMNS)]) for row in rows]
        parts += [""]
    return "\n".join(parts)


def _heading(title: str) -> str:
    """Return the title as the beginning of a line has it; gRPC is a name."""
    return title if title.startswith("gRPC") else title[0].upper() + title[1:]


def _facts(results: Results) -> str:
    known = dict(results.facts)
    if results.rows:
        others = max(row.others for row in results.rows)
        known["others"] = f"at most {others:.0%} of the machine during a measurement"
    lines = [f"| {name} | {fact} |" for name, fact in known.items()]
    table = ["| | |", "| --- | --- |", *lines, ""] if lines else []
    return "\n".join([*table, *(f"- {note}" for note in results.notes), ""])


def _by_scenario(results: Results) -> Iterator[tuple[Scenario, Sequence[Row]]]:
    for scenario in SCENARIOS:
        rows = [row for row in results.rows if row.scenario == scenario.name]
        order = list(_TITLES)
        rows.sort(key=lambda row: (row.offered or 0, order.index(row.contestant)))
        if rows:
            yield scenario, rows


def _title(row: Row) -> str:
    is_whole = row.offered is not None and row.contestant == OURS.name
    return f"{row.offered:,} offered a second" if is_whole else _TITLES[row.contestant]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _milliseconds(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1f}"


def _whole(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:,.0f}"
