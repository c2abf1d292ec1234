"""The port Accounts: the fake and the gRPC client pass the same suite."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from builders import user_id
from fakes.accounts import FakeAccounts
from grpclib.const import Status
from unit.adapters.account.scripted import ScriptedAccount, a_client, serving
from unit.adapters.catalog.scripted import ScriptedIssuer, issuing

from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ports import Accounts

ALICE, NOBODY = user_id("alice"), user_id("nobody")


@dataclass
class World:
    """An Account that knows Alice and not Nobody, and the means to take it away."""

    accounts: Accounts
    take_away: Callable[[], None]


@pytest.fixture(params=["fake", "grpc"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        fake = FakeAccounts(NOBODY)
        yield World(fake, lambda: setattr(fake, "away", True))
        return
    issuer, scripted = ScriptedIssuer(), ScriptedAccount(ALICE)
    async with issuing(issuer), serving(scripted) as port, a_client(port, issuer) as client:
        yield World(client, lambda: setattr(scripted, "failure", Status.UNAVAILABLE))


async def test_tells_who_exists(world: World) -> None:
    assert await world.accounts.exists(ALICE)
    assert not await world.accounts.exists(NOBODY)


async def test_says_that_it_is_away(world: World) -> None:
    world.take_away()

    with pytest.raises(DependencyUnavailable):
        await world.accounts.exists(ALICE)
