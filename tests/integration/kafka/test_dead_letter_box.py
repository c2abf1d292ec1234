"""Dead letters read, published again and deleted."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from fakes.clock import START, FakeClock
from integration.kafka.conftest import World, kafka_settings, poison, until

from library_adapters.kafka import DeadLetter, DeadLetterBox, DeadLetters, LetterRefused, PurgeRefused, Record
from library_adapters.kafka.dead_letters import Failure
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.topics import dead_letter_topic


@pytest.fixture
def box(world: World) -> DeadLetterBox:
    return DeadLetterBox(world.settings, world.producer, clock=FakeClock())


async def letters(box: DeadLetterBox, world: World) -> list[DeadLetter]:
    found = [letter async for letter in box.letters(world.topic)]
    return sorted(found, key=lambda letter: (letter.partition, letter.offset))


async def bury(world: World, *values: bytes | None, partition: int = 0, key: bytes | None = b"key") -> None:
    dead_letters = DeadLetters(world.producer, clock=FakeClock())
    for offset, value in enumerate(values):
        record = Record(
            topic=world.topic,
            partition=partition,
            offset=offset,
            timestamp_ms=0,
            key=key,
            value=value,
            headers=(("traceparent", b"00-1-2-01"), ("odd", None)),
        )
        failure = Failure(reason="not_json", error=ValueError("no"), attempts=1, group_id="group")
        await dead_letters.bury(record, failure)


async def test_what_is_buried_is_found_with_its_story(world: World, box: DeadLetterBox) -> None:
    await bury(world, b"bad", partition=2)

    (letter,) = await letters(box, world)

    assert (letter.topic, letter.key, letter.value) == (world.topic, b"key", b"bad")
    assert letter.headers == (("traceparent", b"00-1-2-01"), ("odd", b""))
    assert (letter.reason, letter.notes["group"], letter.origin_partition) == ("not_json", "group", 2)
    assert letter.missing is None


async def test_a_topic_without_dead_letters_has_none(world: World, box: DeadLetterBox) -> None:
    assert await letters(box, world) == []
    assert [letter async for letter in box.letters("nobody-made-this-topic")] == []


async def test_only_what_was_buried_since_then_is_found(world: World, box: DeadLetterBox) -> None:
    await bury(world, b"bad")
    (letter,) = await letters(box, world)

    after = letter.buried_at + timedelta(milliseconds=1)

    assert [each async for each in box.letters(world.topic, since=letter.buried_at)] == [letter]
    assert [each async for each in box.letters(world.topic, since=after)] == []


async def test_a_replayed_message_is_as_it_came_and_where_it_was(world: World, box: DeadLetterBox) -> None:
    await bury(world, b"bad", partition=3)
    (letter,) = await letters(box, world)

    await box.replay(letter)

    (record,) = await world.read(world.topic)
    assert (record.partition, record.key, record.value) == (3, b"key", b"bad")
    assert dict(record.headers) == {
        "traceparent": b"00-1-2-01",
        "odd": b"",
        "dlq_replayed_at": START.isoformat().encode(),
    }
    assert await letters(box, world) == [letter]


async def test_from_a_partition_that_does_not_exist_the_key_decides(world: World, box: DeadLetterBox) -> None:
    await bury(world, b"bad", partition=99)
    (letter,) = await letters(box, world)

    await box.replay(letter)

    assert letter.origin_partition is None
    assert len(await world.read(world.topic)) == 1


async def test_a_replay_of_what_fails_again_ends(world: World, box: DeadLetterBox) -> None:
    world.handler.before = poison("still_bad")
    await world.send(b"bad 1", b"bad 2", headers=[("kept", b"yes")])

    async with world.consuming():
        await until(lambda: world.outcomes().get("dead_lettered") == 2)
        replayed = 0
        async for letter in box.letters(world.topic):
            await box.replay(letter)
            replayed += 1
            await until(lambda: world.outcomes().get("dead_lettered") == 2 + replayed)  # noqa: B023 - it waits here

    again = (await letters(box, world))[2:]
    assert replayed == 2
    assert [letter.value for letter in again] == [b"bad 1", b"bad 2"]
    assert {letter.headers for letter in again} == {(("kept", b"yes"),)}
    assert all("replayed_at" not in letter.notes for letter in again)


@pytest.mark.parametrize(
    ("value", "key", "why"),
    [(None, None, "neither key nor value"), (b"x" * 4 * 1024 * 1024, b"key", "too large")],
)
async def test_what_is_not_whole_is_not_replayed(
    world: World, box: DeadLetterBox, value: bytes | None, key: bytes | None, why: str
) -> None:
    await bury(world, value, key=key)
    (letter,) = await letters(box, world)

    with pytest.raises(LetterRefused, match=why):
        await box.replay(letter)
    assert await world.read(world.topic) == []


async def test_a_broker_that_does_not_delete_says_so(world: World, box: DeadLetterBox) -> None:
    # The embedded one: it hangs up at the request.
    await bury(world, b"bad")

    with pytest.raises(PurgeRefused):
        await box.purge(world.topic, {0: 0})
    assert len(await letters(box, world)) == 1


async def test_what_is_to_be_deleted_is_named_with_its_last(
    world: World, box: DeadLetterBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[TopicPartition, RecordsToDelete]] = []

    async def delete_records(_: object, wanted: dict[TopicPartition, RecordsToDelete]) -> None:
        asked.append(wanted)

    monkeypatch.setattr(AIOKafkaAdminClient, "delete_records", delete_records)

    await box.purge(world.topic, {1: 7, 2: 0})

    name = dead_letter_topic(world.topic)
    assert {source: each.before_offset for source, each in asked[0].items()} == {
        TopicPartition(name, 1): 8,
        TopicPartition(name, 2): 1,
    }


async def test_a_broker_that_is_away_is_named(
    world: World, unused_tcp_port_factory: Callable[[], int]
) -> None:
    settings = kafka_settings(f"127.0.0.1:{unused_tcp_port_factory()}", request_timeout_seconds=0.5)
    box = DeadLetterBox(settings, world.producer, clock=FakeClock())

    with pytest.raises(DependencyUnavailable):
        await letters(box, world)
    with pytest.raises(DependencyUnavailable):
        await box.purge(world.topic, {0: 0})
