"""The port GameCatalog: the fake and the gRPC client pass the same suite."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import pytest
from fakes.games import FakeCatalog
from unit.adapters.catalog.scripted import (
    UPDATED_AT,
    ScriptedCatalog,
    ScriptedIssuer,
    client_of,
    described,
    game_id,
    issuing,
    serving,
)

from library_domain.catalog.model import Game
from library_domain.catalog.ports import GameCatalog
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import GameId

FIRST, SECOND = game_id(1), game_id(2)


@dataclass
class World:
    """A catalog that knows games 1 and 2, and the means to take it away."""

    catalog: GameCatalog
    take_away: Callable[[], None]


@pytest.fixture(params=["fake", "grpc"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        fake = FakeCatalog(*(Game(game_id=game_id(n), event_at=UPDATED_AT, name=f"Game {n}") for n in (1, 2)))
        yield World(fake, lambda: setattr(fake, "away", True))
        return
    issuer, scripted = ScriptedIssuer(), ScriptedCatalog()
    scripted.describe(described(1), described(2))
    async with issuing(issuer), serving(scripted) as port:
        client = client_of(port, issuer)

        async def refuse() -> None:
            raise ConnectionError

        yield World(client, lambda: setattr(scripted, "does", refuse))
        await client.close()


@pytest.mark.parametrize("ids", [[], [FIRST], [SECOND, FIRST], [FIRST, FIRST]])
async def test_describes_what_it_knows(world: World, ids: Sequence[GameId]) -> None:
    games = await world.catalog.games(ids)

    assert games == {
        each: Game(game_id=each, event_at=UPDATED_AT, name=f"Game {each.int & 0xFF}") for each in ids
    }


async def test_leaves_out_what_it_does_not_know(world: World) -> None:
    assert set(await world.catalog.games([FIRST, game_id(9)])) == {FIRST}


async def test_says_that_it_is_away(world: World) -> None:
    world.take_away()

    with pytest.raises(DependencyUnavailable):
        await world.catalog.games([FIRST])
