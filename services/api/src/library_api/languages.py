"""Which language a client is spoken to in (contract 2: Russian by default, English offered)."""

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

Language = Literal["ru", "en"]

DEFAULT: Language = "ru"
OFFERED: tuple[Language, ...] = get_args(Language)
_MAX_RANGES = 32
"""A person has no more preferences than that; the rest of a longer header is not read."""


def negotiate(accept_language: str | None) -> Language:
    """Return the offered language that the header prefers (RFC 9110 12.5.4); the default if it accepts none.

    A range matches by its first subtag, so `en-GB` asks for English. Of equal weights the first named wins.
    """
    ranges = list(_ranges(accept_language or ""))
    order = [tag for tag, _ in ranges]
    wanted = {language: weight for language in OFFERED if (weight := _weight(language, ranges)) > 0}
    return max(wanted, key=lambda each: (wanted[each], -_position(each, order)), default=DEFAULT)


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    """Yield each range's first subtag, in lower case, with its weight; what cannot be read is left out."""
    for part in header.split(",", _MAX_RANGES)[:_MAX_RANGES]:
        name, _, parameter = part.partition(";")
        key, _, value = parameter.partition("=")
        tag = name.strip().partition("-")[0].lower()
        if not parameter.strip():
            yield tag, 1.0
        elif key.strip().lower() == "q" and (weight := _quality(value.strip())) is not None:
            yield tag, weight


def _quality(text: str) -> float | None:
    """Return a weight of RFC 9110 12.4.2: 0 to 1, at most three places."""
    digits = text.replace(".", "", 1)
    if not digits.isascii() or not digits.isdigit() or len(digits) > len("1000"):
        return None
    weight = float(text)
    return weight if weight <= 1 else None


def _weight(language: str, ranges: Iterable[tuple[str, float]]) -> float:
    """Return how much the client wants the language: by its own name, else by `*`, else not at all."""
    by_name = [weight for tag, weight in ranges if tag == language]
    by_star = [weight for tag, weight in ranges if tag == "*"]
    return max(by_name or by_star, default=0.0)


def _position(language: str, order: list[str]) -> int:
    return order.index(language) if language in order else len(order)
