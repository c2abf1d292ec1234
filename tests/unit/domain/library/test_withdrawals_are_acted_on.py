"""Whatever ends access, and whoever notices it, asks in the same transaction that what is played of it ends (details 3.8)."""

from builders import NOON, a_purchase, a_refund, a_subscription, user_id
from contract.worlds import MemoryWorld
from fakes.clock import FakeClock, SequentialIds
from hypothesis import given
from rights import CATALOG, HOUR, History, Player, histories

from library_domain.library.ports import END_WITHDRAWN

ALICE = user_id("alice")


def a_world() -> MemoryWorld:
    world = MemoryWorld(clock=FakeClock(), ids=SequentialIds())
    world.store.games.update({game.game_id: game for game in CATALOG})
    return world


class Watch:
    """Looks after each transaction whether access was lost, and whether the job was asked for."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world
        self._lost = 0

    def asked(self) -> set[str]:
        """Return the users for whom the job was asked since the last look."""
        jobs = self._world.store.jobs
        asked = {key for kind, key in jobs if kind == END_WITHDRAWN}
        for key in asked:
            del jobs[END_WITHDRAWN, key]
        return asked

    def look(self) -> None:
        lost = [
            message
            for message in self._world.store.outbox
            if message.event_type == "library.game.access_revoked"
        ]
        assert self.asked() == {str(message.user_id) for message in lost[self._lost :]}
        self._lost = len(lost)


@given(histories())
async def test_whatever_happens_to_the_rights(history: History) -> None:
    world = a_world()
    player, watch = Player(world, history.user), Watch(world)

    for step in history.steps:
        await player.deliver(step.event)
        watch.look()
        player.clock.advance(step.passes)
        await player.work(step.works)
        watch.look()
        if step.sweeps:
            await player.sweep()
            watch.look()
    player.clock.advance(history.later)
    await player.work()
    watch.look()
    await player.sweep()
    watch.look()


async def test_a_refund_asks() -> None:
    world = a_world()
    player, watch = Player(world, ALICE), Watch(world)
    await player.deliver(a_purchase("Portal 2", transaction_id="t-1"))
    assert watch.asked() == set()

    await player.deliver(a_refund("t-1"))

    assert watch.asked() == {str(ALICE)}


async def test_a_refund_of_what_is_held_otherwise_does_not_ask() -> None:
    world = a_world()
    player, watch = Player(world, ALICE), Watch(world)
    await player.deliver(a_purchase("Portal 2", transaction_id="t-1"))
    await player.deliver(a_purchase("Portal 2", transaction_id="t-2"))

    await player.deliver(a_refund("t-1"))

    assert watch.asked() == set()


async def test_a_subscription_that_runs_out_asks_by_its_job_and_else_by_the_sweeper() -> None:
    for notice in (Player.work, Player.sweep):
        world = a_world()
        player, watch = Player(world, ALICE), Watch(world)
        await player.deliver(a_subscription("Portal 2", expires_at=NOON + HOUR))
        await player.work()
        assert watch.asked() == set()
        player.clock.advance(HOUR)

        await notice(player)

        assert watch.asked() == {str(ALICE)}


async def test_a_purchase_asks_that_was_refunded_before_it_came_and_finds_another_right_run_out() -> None:
    world = a_world()
    player, watch = Player(world, ALICE), Watch(world)
    await player.deliver(a_subscription("Portal 2", expires_at=NOON + HOUR))
    await player.work()
    await player.deliver(a_refund("t-1"))
    player.clock.advance(HOUR)

    await player.deliver(a_purchase("Portal 2", transaction_id="t-1"))

    assert watch.asked() == {str(ALICE)}
