"""Differences between what is shown and what it was computed from: `verify` finds them, and each is a bug of ours."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from library_domain.shared.ids import GameId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """Something that is shown, and what it should be."""

    user_id: UserId
    game_id: GameId | None
    what: str
    shown: str | None
    right: str | None


Difference = tuple[GameId | None, str, object, object]
"""The game, the member that differs, what is shown, what it should be."""


def told(user_id: UserId, differences: Iterable[Difference]) -> Iterator[Discrepancy]:
    """Put each difference into words."""
    for game_id, what, shown, right in differences:
        yield Discrepancy(user_id=user_id, game_id=game_id, what=what, shown=_text(shown), right=_text(right))


def _text(value: object) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, datetime) else str(value)
