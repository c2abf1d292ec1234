"""What answers depend on, and what a look at another's data leaves (data 12 and 15)."""

from datetime import timedelta

from builders import NOON, a_game, a_purchase, user_id
from contract.libraries import ALICE, LATER, epoch, learn
from contract.worlds import World
from fakes.clock import FakeClock

from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.shared.access import Role
from library_domain.shared.caller import Caller, acting
from library_domain.shared.looks import LookedAt, Part


class TestVersion:
    async def test_stays_while_nothing_changes(self, world: World, add: AddToLibraryHandler) -> None:
        await add(a_purchase("Portal 2"))

        first = await world.reader.version(ALICE, now=NOON)

        assert first == await world.reader.version(ALICE, now=LATER)
        assert (first.revision, first.timeline) == (1, "1")

    async def test_has_the_revision_of_the_user_alone(self, world: World, add: AddToLibraryHandler) -> None:
        await add(a_purchase("Portal 2"))
        await add(a_purchase("Half-Life"))

        assert (await world.reader.version(ALICE, now=NOON)).revision == 2
        assert (await world.reader.version(user_id("bob"), now=NOON)).revision == 0

    async def test_has_an_epoch_that_moves_within_a_minute_of_a_change_of_the_catalog(
        self, world: World
    ) -> None:
        before = await epoch(world, NOON)

        await learn(world, a_game("Portal 2"))

        assert await epoch(world, NOON) == before
        assert await epoch(world, NOON + timedelta(seconds=60)) == before + 1

    async def test_has_an_epoch_that_moves_once_for_all_changes_of_a_minute(
        self, world: World, clock: FakeClock
    ) -> None:
        before = await epoch(world, NOON)
        for name in "ABCDE":
            await learn(world, a_game(name))
            clock.advance(timedelta(seconds=10))

        assert await epoch(world, NOON + timedelta(minutes=10)) == before + 1

    async def test_misses_no_change_however_they_lie(self, world: World, clock: FakeClock) -> None:
        for second in (0, 49, 1, 9, 51, 200, 55, 3):
            clock.advance(timedelta(seconds=second))
            before = await epoch(world, clock.now())
            await learn(world, a_game(f"game at {clock.now()}"))

            assert await epoch(world, clock.now() + timedelta(seconds=60)) > before

    async def test_does_not_move_for_what_is_known_already(self, world: World, clock: FakeClock) -> None:
        await learn(world, a_game("Portal 2"))
        clock.advance(timedelta(hours=1))
        before = await epoch(world, clock.now())

        await learn(world, a_game("Portal 2"))

        assert await epoch(world, clock.now() + timedelta(hours=1)) == before


class TestLooksAtAnothersData:
    async def test_are_audited_without_raising_the_revision(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        await add(a_purchase("Portal 2"))
        support = Caller(actor_id=user_id("support"), roles=frozenset({Role.SUPPORT}), request_id="r-1")

        with acting(support):
            for user in (ALICE, user_id("nobody")):
                async with world.uow.begin() as tx:
                    tx.record(LookedAt(user_id=user, game_id=None, occurred_at=NOON, part=Part.LIBRARY))

        looks = {row["user_id"]: row for row in await world.audit() if row["action"] == "read_other"}
        assert {user: row["revision"] for user, row in looks.items()} == {ALICE: 1, user_id("nobody"): 0}
        assert {row["actor_id"] for row in looks.values()} == {user_id("support")}
        assert (await world.revision(ALICE), await world.revision(user_id("nobody"))) == (1, 0)
        assert len(await world.outbox()) == 1
