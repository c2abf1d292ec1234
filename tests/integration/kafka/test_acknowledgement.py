"""The policy on a real broker: commits, retries in place, dead letters, rebalances, ends."""

import asyncio
import logging
from collections.abc import Callable
from itertools import pairwise

import pytest
from aiokafka import AIOKafkaConsumer
from fakes.clock import START
from integration.kafka.conftest import NotText, World, poison, until
from prometheus_client import CollectorRegistry

from library_adapters.kafka import DeadLetters, Poison, Record
from library_adapters.kafka.dead_letters import Failure
from library_domain.shared.errors import DependencyUnavailable


class Outage:
    """Makes messages fail until it is over."""

    def __init__(self, *, partition: int) -> None:
        self.over = False
        self.failures = 0
        self._partition = partition

    def __call__(self, record: Record) -> None:
        if record.partition == self._partition and not self.over:
            self.failures += 1
            raise DependencyUnavailable("postgres")


def numbered(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


async def test_what_worked_is_committed_though_nobody_waits_for_it(world: World) -> None:
    await world.send(*numbered(30), partition=1)

    async with world.consuming():
        await until(lambda: len(world.handler.got) == 30)

    assert world.handler.values == numbered(30)
    assert await world.committed() == {1: 30}
    assert world.outcomes()["processed"] == 30


async def test_a_failing_dependency_holds_its_partition_in_order_and_no_other(world: World) -> None:
    outage = Outage(partition=0)
    world.handler.before = outage
    await world.send(*numbered(20), partition=0)
    await world.send(*numbered(20), partition=1)

    async with world.consuming():
        await until(lambda: len(world.handler.values_of(1)) == 20 and outage.failures >= 3)
        assert set(world.handler.values_of(0)) == {b"0"}
        assert world.metric("library_consumer_paused_partitions") in {0.0, 1.0}
        outage.over = True
        await until(lambda: world.handler.values_of(0)[-1] == b"19")

    succeeded = world.handler.values_of(0)[outage.failures :]
    assert succeeded == numbered(20)
    assert world.handler.values_of(1) == numbered(20)
    assert await world.committed() == {0: 20, 1: 20}
    assert await world.dead_letters() == []
    assert world.outcomes()["retried"] == outage.failures
    assert world.metric("library_consumer_paused_partitions") == 0


async def test_a_failing_dependency_is_asked_with_pauses_not_in_a_hot_loop(world: World) -> None:
    outage = Outage(partition=0)
    world.handler.before = outage
    await world.send(b"x", partition=0)
    loop = asyncio.get_running_loop()
    moments: list[float] = []

    def failing(record: Record) -> None:
        moments.append(loop.time())
        outage(record)

    world.handler.before = failing
    async with world.consuming(retry_min_seconds=0.1, retry_max_seconds=0.4):
        await until(lambda: len(moments) == 5)
        outage.over = True
        await until(lambda: len(moments) == 6)

    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert all(pause > least for pause, least in zip(pauses, [0.05, 0.1, 0.2, 0.2, 0.2], strict=True))


async def test_a_bad_message_is_buried_once_with_all_that_is_known_of_it(world: World) -> None:
    world.handler.before = poison("not_json")
    headers = [
        ("traceparent", b"00-aa"),
        ("twice", b"1"),
        ("twice", b"\xff"),
        ("dlq_reason", b"of an earlier burial"),
    ]
    await world.send(b"good", b"bad", b"better", partition=2, headers=headers)

    async with world.consuming():
        await until(lambda: b"better" in world.handler.values)

    (letter,) = await world.dead_letters()
    assert (letter.key, letter.value) == (b"key", b"bad")
    assert letter.headers[:3] == (("traceparent", b"00-aa"), ("twice", b"1"), ("twice", b"\xff"))
    notes = {name: value.decode() for name, value in letter.headers[3:]}
    assert notes.pop("dlq_stack").rstrip().endswith("it says so itself")
    assert notes.pop("dlq_timestamp").startswith("20")
    assert notes == {
        "dlq_reason": "not_json",
        "dlq_error": "it says so itself",
        "dlq_exception": "library_adapters.kafka.records.Poison",
        "dlq_topic": world.topic,
        "dlq_partition": "2",
        "dlq_offset": "1",
        "dlq_attempts": "1",
        "dlq_group": world.group,
        "dlq_failed_at": START.isoformat(),
    }
    assert await world.committed() == {2: 3}
    assert world.outcomes() == {"processed": 2, "dead_lettered": 1}


async def test_a_value_above_the_limit_is_buried_unread_and_whole(world: World) -> None:
    oversized = b"x" * (1024 * 1024 + 1)
    await world.send(oversized, b"next")

    async with world.consuming():
        await until(lambda: b"next" in world.handler.values)

    (letter,) = await world.dead_letters()
    assert letter.value == oversized
    assert ("dlq_reason", b"oversized") in letter.headers
    assert world.handler.values == [b"next"]


async def test_a_message_without_a_value_is_buried_without_one(world: World) -> None:
    def refuse(record: Record) -> None:
        if record.value is None:
            raise Poison("tombstone", "no value")

    world.handler.before = refuse
    await world.send(None, b"next")

    async with world.consuming():
        await until(lambda: b"next" in world.handler.values)

    (letter,) = await world.dead_letters()
    assert (letter.key, letter.value) == (b"key", None)


async def test_a_bug_is_tried_a_few_times_and_then_buried(world: World) -> None:
    def buggy(record: Record) -> None:
        if record.value == b"bug":
            raise ZeroDivisionError("nobody expected this")

    world.handler.before = buggy
    await world.send(b"bug", b"next")

    async with world.consuming(bug_attempts=3):
        await until(lambda: b"next" in world.handler.values)

    (letter,) = await world.dead_letters()
    assert {("dlq_reason", b"unexpected_error"), ("dlq_attempts", b"3")} < set(letter.headers)
    assert world.handler.values == [b"bug"] * 3 + [b"next"]


async def test_what_cannot_be_buried_is_kept_and_buried_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.handler.before = poison("not_json")
    send, refused = world.producer.send, 0

    async def failing_twice(*args: object, **kwargs: object) -> None:
        nonlocal refused
        if refused < 2:
            refused += 1
            raise DependencyUnavailable("kafka")
        await send(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(world.producer, "send", failing_twice)
    await world.send(b"bad", b"next")

    async with world.consuming():
        await until(lambda: b"next" in world.handler.values)

    assert [letter.value for letter in await world.dead_letters()] == [b"bad"]
    assert world.handler.values == [b"bad"] * 3 + [b"next"]


async def test_headers_that_are_no_text_stop_nothing(world: World) -> None:
    await world.send(b"good", headers=[("traceparent", b"\xff\xfe"), ("reply_to", b"somewhere"), ("x", b"")])

    async with world.consuming():
        await until(lambda: world.handler.values == [b"good"])

    assert world.outcomes()["processed"] == 1


async def test_an_end_waits_for_the_message_in_hand_and_commits_it(world: World) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()
    handle = world.handler

    class Slow:
        async def __call__(self, record: Record) -> object:
            began.set()
            await may_end.wait()
            return await handle(record)

    world.handler = Slow()  # type: ignore[assignment]
    await world.send(b"first", b"second")
    stopping = asyncio.Event()
    running = asyncio.create_task(world.consumers().run(stopping))
    await began.wait()

    stopping.set()
    done, _ = await asyncio.wait([running], timeout=0.2)
    assert not done
    may_end.set()
    await running

    assert handle.values == [b"first"]
    assert await world.committed() == {0: 1}


async def test_a_message_that_outlasts_the_end_comes_again(world: World) -> None:
    began = asyncio.Event()
    handle = world.handler

    class Stuck:
        async def __call__(self, record: Record) -> object:
            began.set()
            return await asyncio.Event().wait()

    world.handler = Stuck()  # type: ignore[assignment]
    await world.send(b"first")
    async with world.consuming(CollectorRegistry(), drain_timeout_seconds=0.1):
        await began.wait()
    assert await world.committed() == {}

    world.handler = handle
    async with world.consuming():
        await until(lambda: handle.values == [b"first"])


async def test_a_rebalance_hands_a_failing_partition_over_and_loses_nothing(world: World) -> None:
    outage = Outage(partition=0)
    world.handler.before = outage
    for partition in range(4):
        await world.send(*numbered(10), partition=partition)

    async with world.consuming():
        await until(lambda: outage.failures >= 2)
        async with world.consuming(CollectorRegistry()):
            failures = outage.failures
            await until(lambda: outage.failures >= failures + 2)
            outage.over = True
            await until(done(world))
            assert set(world.handler.values_of(0)[: outage.failures]) == {b"0"}
        await world.send(b"after", partition=0)
        await until(lambda: world.handler.values_of(0)[-1] == b"after")

    assert await world.committed() == {0: 11, 1: 10, 2: 10, 3: 10}


def done(world: World) -> Callable[[], bool]:
    return lambda: all(b"9" in world.handler.values_of(partition) for partition in range(4))


async def test_lag_is_what_waits_behind_a_failing_message(world: World) -> None:
    outage = Outage(partition=3)
    world.handler.before = outage
    await world.send(*numbered(7), partition=3)

    async with world.consuming():
        await until(
            lambda: world.metric("library_consumer_lag", topic=world.topic, partition="3") == 7,
        )
        outage.over = True
        await until(
            lambda: (
                world.registry.get_sample_value(
                    "library_consumer_lag", {"topic": world.topic, "partition": "3"}
                )
                == 0
            )
        )


async def test_what_breaks_the_loop_of_a_consumer_is_logged(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # A bug of aiokafka outside the unpacking of records, where no policy of ours hears of it.
    unbroken = AIOKafkaConsumer.getone
    broken = iter([UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")])

    async def getone(self: AIOKafkaConsumer, *partitions: object) -> object:
        if error := next(broken, None):
            raise error
        return await unbroken(self, *partitions)

    monkeypatch.setattr(AIOKafkaConsumer, "getone", getone)
    await world.send(b"good")

    async with world.consuming(**world.quick):
        await until(lambda: world.outcomes() == {"processed": 1})

    (record,) = [each for each in caplog.records if "faststream" in each.name]
    assert record.levelno == logging.ERROR
    assert "UnicodeDecodeError" in caplog.text


async def test_baggage_of_a_producer_is_not_read(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.send(b"good", headers=[("baggage", b"a=b," * 9_000)])

    async with world.consuming(**world.quick):
        await until(lambda: world.outcomes() == {"processed": 1})

    assert "a=b" not in caplog.text


async def test_a_header_name_that_is_no_text_is_buried_and_all_around_it_is_kept(world: World) -> None:
    await world.send_batch(
        (b"first", [("name", b"1")]),
        (b"bad", [(NotText("N\xff"), b"2")]),
        (b"last", [("name", b"3")]),
        partition=1,
    )
    await world.send(b"elsewhere", partition=2)
    await world.send(b"next", partition=1)

    async with world.consuming():
        await until(lambda: len(world.handler.got) == 4)

    assert world.handler.values_of(1) == [b"first", b"last", b"next"]
    assert [record.headers for record in world.handler.got if record.partition == 1][1] == (("name", b"3"),)
    (letter,) = await world.dead_letters()
    notes = dict(letter.headers)
    assert (notes["dlq_reason"], notes["dlq_partition"], notes["dlq_offset"]) == (b"unreadable", b"1", b"1")
    assert notes["dlq_error"] == b"a header's name is not UTF-8"
    assert await world.committed() == {1: 4, 2: 1}
    assert world.outcomes() == {"processed": 4, "retried": 1, "dead_lettered": 1}
    assert world.metric("library_consumer_dead_letters_total", topic=world.topic, reason="unreadable") == 1


async def test_an_unreadable_record_that_cannot_be_buried_yet_holds_its_partition(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.send_batch((b"first", []), (b"bad", [(NotText("\xff"), b"")]), (b"last", []), partition=1)
    bury, refusals = DeadLetters.bury, iter([DependencyUnavailable("kafka")])

    async def refusing(self: DeadLetters, record: Record, failure: Failure) -> None:
        if error := next(refusals, None):
            raise error
        await bury(self, record, failure)

    monkeypatch.setattr(DeadLetters, "bury", refusing)

    async with world.consuming():
        await until(lambda: b"last" in world.handler.values)

    assert world.handler.values == [b"first", b"last"]
    assert len(await world.dead_letters()) == 1
    assert await world.committed() == {1: 3}
