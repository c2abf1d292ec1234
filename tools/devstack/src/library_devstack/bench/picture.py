"""The picture of a run: a bar for everybody in every scenario, as SVG that GitHub shows in both of its colours."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from library_devstack.bench.plan import OURS as LIBRARY
from library_devstack.bench.plan import SCENARIOS, Contestant, Driver, Role
from library_devstack.bench.results import Results, Row

_WIDTH, _LABEL, _BAR, _GAP, _VALUE = 860, 200, 18, 6, 80
_HEAD, _MARGIN = 34, 16
_COLOURS = {Role.OURS: "#1f6feb", Role.PEER: "#8b949e", Role.LIMIT: "#d0d7de"}


def picture(results: Results) -> str:
    """Return the SVG."""
    parts = list(_panels(results))
    height = sum(tall for tall, _ in parts) + 2 * _MARGIN
    drawn: list[str] = []
    top = _MARGIN
    for tall, panel in parts:
        drawn.append(f'<g transform="translate({_MARGIN} {top})">{panel}</g>')
        top += tall
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="Requests a second">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _panels(results: Results) -> Iterator[tuple[int, str]]:
    """Yield height and content of a panel for each scenario that compares somebody."""
    for scenario in SCENARIOS:
        if scenario.driver is Driver.PACED:
            continue
        measured = [
            (contestant, row)
            for contestant in (LIBRARY, *scenario.others)
            if (row := results.find(scenario.name, contestant.name)) is not None
        ]
        if not measured:
            continue
        longest = max(row.rate for _, row in measured)
        bars = "".join(_bar(place, each, row, longest) for place, (each, row) in enumerate(measured))
        title = f'<text y="16" font-weight="600" fill="#1f2328">{escape(scenario.title)}, requests/s</text>'
        yield _HEAD + len(measured) * (_BAR + _GAP) + _MARGIN, title + bars


def _bar(place: int, contestant: Contestant, row: Row, longest: float) -> str:
    top = _HEAD + place * (_BAR + _GAP) - _GAP
    room = _WIDTH - 2 * _MARGIN - _LABEL - _VALUE
    long = max(row.rate / longest * room, 1)
    base = top + _BAR - 5
    return (
        f'<text x="{_LABEL - 8}" y="{base}" text-anchor="end" fill="#1f2328">{escape(contestant.title)}</text>'
        f'<rect x="{_LABEL}" y="{top}" width="{long:.0f}" height="{_BAR}" rx="2" fill="{_COLOURS[contestant.role]}"/>'
        f'<text x="{_LABEL + long + 6:.0f}" y="{base}" fill="#1f2328">{row.rate:,.0f}</text>'
    )
