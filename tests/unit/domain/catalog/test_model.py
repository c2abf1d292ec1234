"""What we keep of a game."""

from builders import NOON, a_game, game_id

from library_domain.catalog.model import Game


def test_a_game_without_a_name_is_a_stub() -> None:
    stub = Game(game_id=game_id("Portal 2"), event_at=NOON)

    assert stub.is_stub
    assert stub.sort_name is None


def test_a_game_with_a_name_has_the_key_that_lists_are_sorted_by() -> None:
    game = a_game("ЁЛКИ  2")

    assert not game.is_stub
    assert game.sort_name == "елки 2"
