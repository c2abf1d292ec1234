"""What we keep of a game."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from builders import NOON, a_game, a_price, game_id

from library_domain.catalog.model import Game
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.money import Money

HOUR = timedelta(hours=1)


def test_a_game_without_a_name_is_a_stub() -> None:
    stub = Game(game_id=game_id("Portal 2"), event_at=NOON)

    assert stub.is_stub
    assert stub.sort_name is None


def test_a_game_with_a_name_has_the_key_that_lists_are_sorted_by() -> None:
    game = a_game("ЁЛКИ  2")

    assert not game.is_stub
    assert game.sort_name == "елки 2"


@pytest.mark.parametrize(
    ("replaces", "game", "stored"),
    [
        (True, a_game(), None),
        (True, a_game(), Game(game_id=game_id("Portal 2"), event_at=NOON + HOUR)),
        (False, Game(game_id=game_id("Portal 2"), event_at=NOON + HOUR), a_game()),
        (True, a_game(event_at=NOON + HOUR), a_game()),
        (False, a_game(), a_game()),
        (False, a_game(), a_game(event_at=NOON + HOUR)),
        (True, a_game(event_id=UUID(int=2)), a_game(event_id=UUID(int=1))),
        (False, a_game(), a_game(event_id=UUID(int=1))),
    ],
)
def test_the_newer_state_replaces_and_any_rather_than_a_stub(
    replaces: bool, game: Game, stored: Game | None
) -> None:
    assert game.replaces(stored) is replaces


@pytest.mark.parametrize(
    ("field", "overrides"),
    [
        ("discount_percent", {"discount_percent": 101}),
        ("discount_percent", {"discount_percent": -1}),
        ("original_amount", {"original_amount": Money(Decimal(9), "USD")}),
    ],
)
def test_what_is_no_price_is_refused(field: str, overrides: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed) as refused:
        a_price("4.99", **overrides)

    assert refused.value.details["field"] == field
