"""Playtime as pictures: bars for a terminal, and an evening as SVG."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

_BAR_CHARACTERS = 40
_WIDTH, _LABEL, _MARGIN, _LANE, _BAR_HEIGHT, _HEAD = 1_060, 250, 16, 44, 22, 46
_TICK = timedelta(minutes=10)
_INK, _FAINT = "#1f2328", "#d0d7de"
_COLOURS = {"client": "#1f6feb", "taken_over": "#8250df", "timeout": "#cf222e", "afk": "#bf8700"}
_OTHER = "#57606a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A session."""

    start: datetime
    end: datetime
    counted_seconds: int
    label: str
    ended_by: str


def bars(values: Sequence[tuple[str, float]], *, unit: str) -> Iterator[str]:
    """Yield a line for each value, its bar as long as it is beside the largest."""
    largest = max((value for _, value in values), default=0.0)
    width = max((len(name) for name, _ in values), default=0)
    for name, value in values:
        length = round(_BAR_CHARACTERS * value / largest) if largest else 0
        yield f"{name:<{width}} {'█' * length:<{_BAR_CHARACTERS}} {value:.0f} {unit}"


def timeline(lanes: Sequence[tuple[str, Sequence[Bar]]], *, start: datetime, end: datetime) -> str:
    """Return the SVG: a lane for each player, in it the sessions; what of them counted is solid, the rest is pale."""
    scale = (_WIDTH - _LABEL - 2 * _MARGIN) / ((end - start) / timedelta(seconds=1))

    def x(moment: datetime) -> float:
        return _LABEL + (moment - start) / timedelta(seconds=1) * scale

    height = _HEAD + len(lanes) * _LANE + 2 * _MARGIN + _BAR_HEIGHT
    parts = list(_ticks(x, start, end, bottom=_HEAD + len(lanes) * _LANE))
    for number, (title, sessions) in enumerate(lanes):
        top = _HEAD + number * _LANE
        parts.append(
            f'<text x="{_LABEL - 12}" y="{top + 15}" text-anchor="end" fill="{_INK}">{escape(title)}</text>'
        )
        for session in sessions:
            colour = _COLOURS.get(session.ended_by, _OTHER)
            left, width = x(session.start), max(x(session.end) - x(session.start), 1)
            counted = session.counted_seconds * scale
            minutes = session.counted_seconds / 60
            parts.append(
                f"<g><title>{escape(session.label)}: {minutes:.0f} minutes counted, ended by {session.ended_by}</title>"
                f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_BAR_HEIGHT}" rx="3" fill="{colour}" '
                f'opacity="0.25"/><rect x="{left:.1f}" y="{top}" width="{counted:.1f}" height="{_BAR_HEIGHT}" rx="3" '
                f'fill="{colour}"/></g>'
                f'<text x="{left:.1f}" y="{top + _BAR_HEIGHT + 13}" font-size="11" fill="{_OTHER}">'
                f"{escape(session.label[:28])}, {minutes:.0f} min</text>"
            )
    parts += _legend(top=height - _MARGIN - 8)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="An evening of six players">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _ticks(x: Callable[[datetime], float], start: datetime, end: datetime, *, bottom: float) -> Iterator[str]:
    moment = start + (datetime.min.replace(tzinfo=start.tzinfo) - start) % _TICK
    while moment <= end:
        is_midnight = moment.time() == datetime.min.time()
        stroke = f'stroke="{_OTHER}"' if is_midnight else f'stroke="{_FAINT}" stroke-dasharray="2 3"'
        yield (
            f'<line x1="{x(moment):.1f}" y1="{_HEAD - 10}" x2="{x(moment):.1f}" y2="{bottom}" {stroke}/>'
            f'<text x="{x(moment):.1f}" y="{_HEAD - 16}" text-anchor="middle" font-size="11" fill="{_OTHER}">'
            f"{moment:%H:%M}</text>"
        )
        moment += _TICK


def _legend(*, top: float) -> Iterator[str]:
    left = float(_LABEL)
    for reason, colour in _COLOURS.items():
        yield (
            f'<rect x="{left:.0f}" y="{top - 10:.0f}" width="12" height="12" rx="2" fill="{colour}"/>'
            f'<text x="{left + 18:.0f}" y="{top:.0f}" font-size="11" fill="{_INK}">ended by {reason}</text>'
        )
        left += 150
    yield (
        f'<text x="{left:.0f}" y="{top:.0f}" font-size="11" fill="{_OTHER}">solid: counted; pale: away or asleep</text>'
    )
