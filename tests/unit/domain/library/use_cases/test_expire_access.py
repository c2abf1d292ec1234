"""What no job noticed, the sweeper withdraws (contract 4.1)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from builders import NOON, a_subscription, user_id
from contract.worlds import MemoryWorld
from fakes.clock import FakeClock, SequentialIds
from rights import CATALOG, PORTAL, RANGERS, Player

from library_domain.library.use_cases.expire_access import (
    ExpireAccess,
    ExpireAccessHandler,
    ExpireAccessResult,
)
from library_domain.shared.ids import GameId, UserId

HOUR = timedelta(hours=1)
NAMES = ("alice", "bob")


@pytest.fixture
async def world(clock: FakeClock, ids: SequentialIds) -> MemoryWorld:
    """Give two users two games each until an hour after noon."""
    world = MemoryWorld(clock=clock, ids=ids)
    world.store.games.update({game.game_id: game for game in CATALOG})
    for name in NAMES:
        player = Player(world, user_id(name))
        await player.deliver(a_subscription("Portal 2", "Rangers", by=name, expires_at=NOON + HOUR))
        await player.work()
    return world


class Found:
    """What was found some time ago."""

    def __init__(self, found: Mapping[UserId, Sequence[GameId]]) -> None:
        self._found = found

    async def find(self, *, now: datetime, limit: int) -> Mapping[UserId, Sequence[GameId]]:
        return self._found


@pytest.fixture
def expire(world: MemoryWorld, clock: FakeClock) -> ExpireAccessHandler:
    return ExpireAccessHandler(outdated=world.outdated, uow=world.uow, clock=clock)


def lost(world: MemoryWorld) -> int:
    return sum(message.event_type == "library.game.access_revoked" for message in world.store.outbox)


async def test_does_nothing_before_its_time(world: MemoryWorld, expire: ExpireAccessHandler) -> None:
    assert await expire(ExpireAccess(limit=10)) == ExpireAccessResult(refreshed=0, more=False)
    assert lost(world) == 0


async def test_withdraws_what_ran_out_of_every_user(
    world: MemoryWorld, expire: ExpireAccessHandler, clock: FakeClock
) -> None:
    clock.advance(HOUR)

    result = await expire(ExpireAccess(limit=10))

    assert result == ExpireAccessResult(refreshed=4, more=False)
    assert lost(world) == 4
    assert {entry.revoked_at for entry in world.store.entries.values()} == {NOON + HOUR}
    assert {world.store.users[user_id(name)].revision for name in NAMES} == {4}


async def test_works_in_batches(world: MemoryWorld, expire: ExpireAccessHandler, clock: FakeClock) -> None:
    clock.advance(HOUR)

    results = [await expire(ExpireAccess(limit=3)) for _ in range(3)]

    assert [(result.refreshed, result.more) for result in results] == [(3, True), (1, False), (0, False)]


async def test_twice_at_once_is_once(
    world: MemoryWorld, expire: ExpireAccessHandler, clock: FakeClock
) -> None:
    clock.advance(HOUR)
    found = await world.outdated.find(now=clock.now(), limit=10)
    await expire(ExpireAccess(limit=10))

    async with world.uow.begin(user_id("alice")) as tx:
        entries = await tx.library.entries(user_id("alice"), tuple(found[user_id("alice")]))
    for entry in entries.values():
        entry.refresh(now=clock.now(), game_name=None)

    assert entries.keys() == {PORTAL, RANGERS}
    assert [entry.events for entry in entries.values()] == [[], []]
    assert lost(world) == 4


async def test_leaves_an_erased_user_to_their_erasure(
    world: MemoryWorld, expire: ExpireAccessHandler, clock: FakeClock
) -> None:
    await world.erase(user_id("alice"), NOON)
    clock.advance(HOUR)

    assert await expire(ExpireAccess(limit=10)) == ExpireAccessResult(refreshed=2, more=False)


async def test_goes_on_when_a_user_is_erased_meanwhile(world: MemoryWorld, clock: FakeClock) -> None:
    clock.advance(HOUR)
    found = await world.outdated.find(now=clock.now(), limit=10)
    await world.erase(user_id("alice"), NOON)
    expire = ExpireAccessHandler(outdated=Found(found), uow=world.uow, clock=clock)

    result = await expire(ExpireAccess(limit=10))

    assert result.refreshed == 2
