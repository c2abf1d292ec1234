"""Which language a client is spoken to in (contract 2: Russian by default, English offered)."""

from collections.abc import Iterable
from typing import Literal, get_args

from library_api.preferences import weighted

Language = Literal["ru", "en"]

DEFAULT: Language = "ru"
OFFERED: tuple[Language, ...] = get_args(Language)


def negotiate(accept_language: str | None) -> Language:
    """Return the offered language that the header prefers (RFC 9110 12.5.4); the default if it accepts none.

    A range matches by its first subtag, so `en-GB` asks for English. Of equal weights the first named wins.
    """
    ranges = [(each.partition("-")[0], weight) for each, weight in weighted(accept_language or "")]
    order = [tag for tag, _ in ranges]
    wanted = {language: weight for language in OFFERED if (weight := _weight(language, ranges)) > 0}
    return max(wanted, key=lambda each: (wanted[each], -_position(each, order)), default=DEFAULT)


def _weight(language: str, ranges: Iterable[tuple[str, float]]) -> float:
    """Return how much the client wants the language: by its own name, else by `*`, else not at all."""
    by_name = [weight for tag, weight in ranges if tag == language]
    by_star = [weight for tag, weight in ranges if tag == "*"]
    return max(by_name or by_star, default=0.0)


def _position(language: str, order: list[str]) -> int:
    return order.index(language) if language in order else len(order)
