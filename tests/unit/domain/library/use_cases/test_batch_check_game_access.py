"""Which of these games may this user play now?"""

import pytest
from builders import game_id, user_id
from fakes.clock import FakeClock
from fakes.library_reader import FakeLibraryReader
from unit.domain.library.use_cases.conftest import Own

from library_domain.library.use_cases.batch_check_game_access import (
    MAX_GAMES,
    BatchCheckGameAccess,
    BatchCheckGameAccessHandler,
)
from library_domain.library.use_cases.check_game_access import CheckGameAccess, CheckGameAccessHandler
from library_domain.shared.errors import ValidationFailed

ALICE = user_id("alice")


def about(*games: str) -> BatchCheckGameAccess:
    return BatchCheckGameAccess(user_id=ALICE, game_ids=[game_id(game) for game in games])


async def test_each_verdict_is_that_of_the_game_alone(
    reader: FakeLibraryReader, clock: FakeClock, own: Own
) -> None:
    await own("Portal 2", dlc=(game_id("Art book"),))
    names = ["nobody knows it", "Art book", "Portal 2", "Half-Life", "Art book"]

    together = await BatchCheckGameAccessHandler(reader=reader, clock=clock)(about(*names))

    alone = CheckGameAccessHandler(reader=reader, clock=clock)
    assert together == [await alone(CheckGameAccess(user_id=ALICE, game_id=game_id(name))) for name in names]
    assert [verdict.allowed for verdict in together] == [False, True, True, False, True]


async def test_no_games_have_no_verdicts(reader: FakeLibraryReader, clock: FakeClock) -> None:
    assert await BatchCheckGameAccessHandler(reader=reader, clock=clock)(about()) == []


def test_more_than_a_hundred_games_are_refused() -> None:
    about(*(str(number) for number in range(MAX_GAMES)))

    with pytest.raises(ValidationFailed) as refused:
        about(*(str(number) for number in range(MAX_GAMES + 1)))

    assert refused.value.details == {"field": "game_ids", "reason": "too_many", "maximum": MAX_GAMES}
