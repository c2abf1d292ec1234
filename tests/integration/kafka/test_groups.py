"""Several groups in one process: each goes at its own pace."""

from collections.abc import Callable

from integration.kafka.conftest import PARTITIONS, World, until

from library_adapters.kafka import Group, Record, ensure_topics
from library_domain.shared.errors import DependencyUnavailable


def unavailable_for(topic: str) -> Callable[[Record], None]:
    """Return a `before` by which everything of one topic fails for want of something else."""

    def before(record: Record) -> None:
        if record.topic == topic:
            raise DependencyUnavailable("postgres")

    return before


def counted(world: World, topic: str, outcome: str) -> float:
    return world.metric("library_consumer_messages_total", topic=topic, outcome=outcome)


async def two_groups(world: World) -> tuple[Group, Group, World]:
    """Return a group for the world's topic and one for another, and the other's world over the same handler."""
    other = World(world.settings, f"{world.topic}-other", world.producer, handler=world.handler)
    await ensure_topics(world.settings, consumed=[other.topic])
    return (
        Group(group_id=world.group, topics=[world.topic]),
        Group(group_id=other.group, topics=[other.topic]),
        other,
    )


async def test_each_consumes_its_topics_and_commits_for_itself(world: World) -> None:
    *groups, other = await two_groups(world)

    async with world.consuming(groups=groups):
        await world.send(b"one", partition=1)
        await other.send(b"two", b"three", partition=2)
        await until(lambda: sorted(world.handler.values) == [b"one", b"three", b"two"])

    assert await world.committed() == {1: 1}
    assert await other.committed() == {2: 2}


async def test_one_that_has_to_wait_does_not_hold_up_the_other(world: World) -> None:
    *groups, other = await two_groups(world)
    world.handler.before = unavailable_for(world.topic)

    async with world.consuming(groups=groups):
        for partition in range(PARTITIONS):
            await world.send(b"waits", partition=partition)
        await until(lambda: world.metric("library_consumer_paused_partitions") == PARTITIONS)
        await other.send(*(b"%d" % number for number in range(50)))
        await until(lambda: world.handler.values.count(b"49") == 1)

        world.handler.before = lambda _: None
        await until(lambda: counted(world, world.topic, "processed") == PARTITIONS)

    assert await world.committed() == dict.fromkeys(range(PARTITIONS), 1)
    assert await other.committed() == {0: 50}


async def test_a_dead_letter_names_the_group_that_gave_up(world: World) -> None:
    *groups, other = await two_groups(world)

    def before(_: Record) -> None:
        raise ZeroDivisionError

    world.handler.before = before
    async with world.consuming(groups=groups, bug_attempts=1):
        await world.send(b"bad")
        await other.send(b"bad")
        await until(lambda: all(counted(world, each.topic, "dead_lettered") == 1 for each in (world, other)))

    noted = [dict((await each.dead_letters())[0].headers)["dlq_group"] for each in (world, other)]
    assert noted == [world.group.encode(), other.group.encode()]
