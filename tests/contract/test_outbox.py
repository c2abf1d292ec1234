"""What every OutboxShards promises (library_domain.outbox.ports; data 18). Messages are written by the unit of work."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import msgspec
import pytest
from builders import NOON, game_added, game_id
from contract.worlds import MemoryWorld, PostgresWorld, World
from fakes.clock import FakeClock
from fakes.outbox import FakeOutbox, FakeOutboxShards

from library_adapters.postgres.outbox import PostgresOutboxShards, PostgresParkedMessages
from library_domain.outbox.model import OutboxMessage
from library_domain.outbox.ports import ParkedMessages
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import OUTBOX_SHARDS, UserId, outbox_shard

PORTAL = game_id("Portal 2")
HOUR = timedelta(hours=1)

Shards = FakeOutboxShards | PostgresOutboxShards


def user_of_shard(shard: int, number: int = 0) -> UserId:
    return UserId(UUID(int=OUTBOX_SHARDS * (number + 1) + shard))


ALICE, BOB = user_of_shard(3), user_of_shard(3, 1)
CAROL = user_of_shard(4)


class Relays(Protocol):
    """Relays over the outbox of one world."""

    async def open(self) -> Shards: ...

    async def cut(self) -> None:
        """Break the connection of the relay that holds shards."""

    async def parked(self) -> list[tuple[UserId, int, int, str]]: ...

    def box(self) -> ParkedMessages: ...


class MemoryRelays:
    def __init__(self, world: MemoryWorld, clock: FakeClock) -> None:
        self._outbox = FakeOutbox(world.store, clock=clock)

    async def open(self) -> FakeOutboxShards:
        return self._outbox.relay()

    async def cut(self) -> None:
        for relay in set(self._outbox.holders.values()):
            relay.cut()

    async def parked(self) -> list[tuple[UserId, int, int, str]]:
        parked = [(each.message, each.reason) for each in self._outbox.parked]
        return [(m.user_id, m.revision, m.n, reason) for m, reason in parked]

    def box(self) -> ParkedMessages:
        return self._outbox


class PostgresRelays:
    def __init__(self, world: PostgresWorld, clock: FakeClock, stack: AsyncExitStack) -> None:
        self._world = world
        self._clock = clock
        self._stack = stack

    async def open(self) -> PostgresOutboxShards:
        return await self._stack.enter_async_context(
            PostgresOutboxShards(self._world.settings, clock=self._clock)
        )

    async def cut(self) -> None:
        async with self._world.pool.connection() as connection:
            # Who holds shards is seen by its locks; the server answers when it is gone.
            await connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks, pg_database"
                " WHERE locktype = 'advisory' AND classid = 1279869522"
                " AND pg_locks.database = pg_database.oid AND datname = current_database() GROUP BY pid"
            )

    async def parked(self) -> list[tuple[UserId, int, int, str]]:
        async with self._world.pool.connection() as connection:
            cursor = await connection.execute("SELECT user_id, revision, n, reason FROM outbox_parked")
            return [(r["user_id"], r["revision"], r["n"], r["reason"]) async for r in cursor]

    def box(self) -> ParkedMessages:
        return PostgresParkedMessages(self._world.pool)


@pytest.fixture
async def relays(world: World, clock: FakeClock) -> AsyncIterator[Relays]:
    if isinstance(world, MemoryWorld):
        yield MemoryRelays(world, clock)
        return
    async with AsyncExitStack() as stack:
        yield PostgresRelays(world, clock, stack)


@pytest.fixture
async def shards(relays: Relays) -> Shards:
    """Give a relay that holds every shard."""
    relay = await relays.open()
    assert await relay.claim() == OUTBOX_SHARDS
    return relay


async def write(world: World, *users: UserId, events: int = 1) -> None:
    """Let each of the users gain games, in transactions one after the other."""
    for user in users:
        async with world.uow.begin(user) as tx:
            tx.record(*(game_added(user, PORTAL) for _ in range(events)))


def seen(messages: Sequence[OutboxMessage]) -> list[tuple[UserId, int, int]]:
    return [(message.user_id, message.revision, message.n) for message in messages]


class TestClaim:
    async def test_takes_all_shards_that_nobody_holds(self, relays: Relays) -> None:
        relay = await relays.open()

        assert await relay.claim() == OUTBOX_SHARDS
        assert await relay.claim() == OUTBOX_SHARDS

    async def test_takes_none_that_another_holds(self, relays: Relays, shards: Shards, world: World) -> None:
        await write(world, ALICE)
        standby = await relays.open()

        assert await standby.claim() == 0
        assert list(await standby.pending(limit=10)) == []

    async def test_takes_over_when_the_other_is_cut_off(
        self, relays: Relays, shards: Shards, world: World
    ) -> None:
        await write(world, ALICE)
        standby = await relays.open()
        await standby.claim()

        await relays.cut()

        assert await standby.claim() == OUTBOX_SHARDS
        assert seen(await standby.pending(limit=10)) == [(ALICE, 1, 0)]

    async def test_says_that_what_was_held_is_lost_and_then_starts_afresh(
        self, relays: Relays, shards: Shards
    ) -> None:
        await relays.cut()

        with pytest.raises(DependencyUnavailable):
            await shards.claim()

        assert await shards.claim() == OUTBOX_SHARDS


class TestBeingCutOff:
    async def test_ends_the_power_to_read_and_to_remove(
        self, relays: Relays, shards: Shards, world: World
    ) -> None:
        await write(world, ALICE)
        held = await shards.pending(limit=10)
        standby = await relays.open()
        await relays.cut()
        await standby.claim()

        with pytest.raises(DependencyUnavailable):
            await shards.remove(held)

        assert list(await shards.pending(limit=10)) == []
        with pytest.raises(DependencyUnavailable):
            await shards.park(held[0], reason="refused")
        assert seen(await standby.pending(limit=10)) == [(ALICE, 1, 0)]
        assert await relays.parked() == []

    async def test_is_noticed_while_waiting_for_messages(self, relays: Relays, shards: Shards) -> None:
        await relays.cut()

        with pytest.raises(DependencyUnavailable):
            await shards.pending(limit=10)


class TestPending:
    async def test_is_empty_before_shards_are_claimed(self, relays: Relays, world: World) -> None:
        await write(world, ALICE)
        relay = await relays.open()

        assert list(await relay.pending(limit=10)) == []

    async def test_carries_the_message_as_it_was_written(self, shards: Shards, world: World) -> None:
        await write(world, ALICE)

        (message,) = await shards.pending(limit=10)

        envelope = msgspec.json.decode(message.payload)
        assert (message.topic, message.event_type) == ("library-events", "library.game.added")
        assert (envelope["event_id"], envelope["subject"]) == (str(message.id), str(ALICE))
        assert message.written_at == NOON
        headers = dict(message.headers)
        assert headers["id"] == headers["ce_id"] == str(message.id)
        assert (headers["ce_type"], headers["ce_source"]) == ("library.game.added", "library-service")

    async def test_keeps_the_order_of_each_user(self, shards: Shards, world: World, clock: FakeClock) -> None:
        await write(world, BOB, ALICE, CAROL, ALICE, events=2)
        clock.advance(HOUR)
        await write(world, ALICE, CAROL)

        waiting = await shards.pending(limit=100)

        for user, revisions in ((ALICE, 3), (BOB, 1), (CAROL, 2)):
            own = [(m.revision, m.n) for m in waiting if m.user_id == user]
            assert own == sorted(own)
            assert {revision for revision, _ in own} == set(range(1, revisions + 1))

    async def test_comes_first_in_first_out(self, shards: Shards, world: World, clock: FakeClock) -> None:
        for user in (BOB, ALICE, CAROL, BOB):
            await write(world, user)
            clock.advance(HOUR)

        assert seen(await shards.pending(limit=100)) == [
            (BOB, 1, 0),
            (ALICE, 1, 0),
            (CAROL, 1, 0),
            (BOB, 2, 0),
        ]

    async def test_keeps_a_users_order_whatever_the_clocks_of_the_writers_say(
        self, shards: Shards, world: World, clock: FakeClock
    ) -> None:
        for skew in (HOUR, -2 * HOUR, HOUR):
            await write(world, ALICE)
            clock.advance(skew)

        assert seen(await shards.pending(limit=100)) == [(ALICE, revision, 0) for revision in (1, 2, 3)]

    async def test_cuts_after_the_oldest_of_a_user_never_between(self, shards: Shards, world: World) -> None:
        await write(world, *[ALICE] * 5)

        assert seen(await shards.pending(limit=2 * OUTBOX_SHARDS)) == [(ALICE, 1, 0), (ALICE, 2, 0)]

    async def test_lets_no_users_backlog_hide_another_shard(self, shards: Shards, world: World) -> None:
        await write(world, ALICE, events=50)
        await write(world, CAROL)

        waiting = await shards.pending(limit=OUTBOX_SHARDS)

        assert seen(waiting) == [(ALICE, 1, 0), (CAROL, 1, 0)]
        assert {outbox_shard(m.user_id) for m in waiting} == {3, 4}

    async def test_empties_a_large_backlog_batch_by_batch(self, shards: Shards, world: World) -> None:
        await write(world, ALICE, BOB, CAROL, events=40)

        emptied: list[tuple[UserId, int, int]] = []
        while waiting := await shards.pending(limit=10 * OUTBOX_SHARDS):
            await shards.remove(waiting)
            emptied += seen(waiting)

        assert sorted(emptied) == sorted((user, 1, n) for user in (ALICE, BOB, CAROL) for n in range(40))


class TestRemove:
    async def test_takes_away_what_was_acknowledged_and_nothing_else(
        self, shards: Shards, world: World
    ) -> None:
        await write(world, ALICE, ALICE, CAROL)
        first, *_ = await shards.pending(limit=100)

        await shards.remove([first])
        await shards.remove([first])
        await shards.remove([])

        assert len(await shards.pending(limit=100)) == 2


class TestPark:
    async def test_moves_the_message_out_of_the_way(
        self, relays: Relays, shards: Shards, world: World
    ) -> None:
        await write(world, ALICE, ALICE)
        refused, following = await shards.pending(limit=100)

        for _ in range(2):
            await shards.park(refused, reason="too large")

        assert list(await shards.pending(limit=100)) == [following]
        assert await relays.parked() == [(ALICE, 1, 0, "too large")]
        assert await shards.parked() == 1


class TestPutBack:
    async def test_lists_what_is_parked_as_it_was_and_why(
        self, relays: Relays, shards: Shards, world: World, clock: FakeClock
    ) -> None:
        await write(world, ALICE, CAROL)
        messages = await shards.pending(limit=100)
        for message in messages:
            await shards.park(message, reason="too large")
            clock.advance(HOUR)

        parked = await relays.box().oldest(limit=10)

        assert [each.message for each in parked] == list(messages)
        assert [(each.reason, each.parked_at) for each in parked] == [
            ("too large", NOON),
            ("too large", NOON + HOUR),
        ]
        assert list(await relays.box().oldest(limit=1)) == list(parked)[:1]

    async def test_lets_the_relay_try_again_as_the_first_of_its_user_and_once(
        self, relays: Relays, shards: Shards, world: World
    ) -> None:
        await write(world, ALICE, ALICE)
        refused, following = await shards.pending(limit=100)
        await shards.park(refused, reason="too large")

        put_back = [await relays.box().put_back(refused) for _ in range(2)]

        assert put_back == [True, False]
        assert list(await shards.pending(limit=100)) == [refused, following]
        assert await relays.parked() == []


class TestOldest:
    async def test_is_none_when_nothing_waits(self, shards: Shards) -> None:
        assert await shards.oldest() is None

    async def test_is_when_the_oldest_was_written(
        self, shards: Shards, world: World, clock: FakeClock
    ) -> None:
        await write(world, CAROL)
        clock.advance(HOUR)
        await write(world, ALICE)

        assert await shards.oldest() == NOON
        await shards.remove((await shards.pending(limit=100))[:1])
        assert await shards.oldest() == NOON + HOUR
