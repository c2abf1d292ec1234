"""The relay's loop: when it publishes, when it waits, and how it ends."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from builders import event_id, user_id
from fakes.clock import START, FakeClock
from fakes.outbox import FakeOutbox, FakeOutboxShards, FakePublisher, Fate
from fakes.store import Store
from prometheus_client import CollectorRegistry

from library_consumers.relay import Relay, RelayMetrics
from library_consumers.settings import RelaySection
from library_domain.outbox.model import OutboxMessage
from library_domain.outbox.use_cases.relay_events import RelayEventsHandler
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import UserId

SECONDS = 5


def message(user: str, revision: int) -> OutboxMessage:
    return OutboxMessage(
        user_id=user_id(user),
        revision=revision,
        n=0,
        id=event_id(f"{user} {revision}"),
        topic="library-events",
        event_type="library.game.added",
        payload=b"{}",
        headers=(),
        written_at=START - timedelta(seconds=30),
    )


class Shards(FakeOutboxShards):
    """The fake, whose database a test takes away and gives back, and which tells when the relay rests."""

    def __init__(self, outbox: FakeOutbox) -> None:
        super().__init__(outbox)
        self.away = False
        self.rests: list[float] = []
        self.on_rest: Callable[[], None] = lambda: None

    async def claim(self) -> int:
        if self.away:
            raise DependencyUnavailable("postgres")
        return await super().claim()

    async def wait_for_wakeup(self, timeout_seconds: float) -> None:
        self.rests.append(timeout_seconds)
        self.on_rest()
        await super().wait_for_wakeup(timeout_seconds)


class Running:
    """A relay over an outbox and a broker, quick to try again."""

    def __init__(self, *messages: OutboxMessage, pause_seconds: float = 0.01) -> None:
        clock = FakeClock()
        self.outbox = FakeOutbox(Store(outbox=list(messages)), clock=clock)
        self.shards = Shards(self.outbox)
        self.broker = FakePublisher()
        self.registry = CollectorRegistry()
        self.stopping = asyncio.Event()
        self.relay = Relay(
            shards=self.shards,
            relay_events=RelayEventsHandler(shards=self.shards, publisher=self.broker),
            settings=RelaySection(
                batch=16,
                retry_min_seconds=pause_seconds,
                retry_max_seconds=2 * pause_seconds,
                upkeep_seconds=0,
            ),
            clock=clock,
            metrics=RelayMetrics(self.registry),
        )

    async def until_it_rests(self) -> None:
        """Run the relay until it finds nothing to do, then stop it."""

        def stop() -> None:
            self.stopping.set()
            self.outbox.call()

        self.shards.on_rest = stop
        async with asyncio.timeout(SECONDS):
            await self.relay.run(self.stopping)

    async def until_it_failed(self, times: int) -> None:
        async with asyncio.timeout(SECONDS):
            while self.relay._failures < times:  # noqa: ASYNC110 - the relay tells nobody
                await asyncio.sleep(0)

    @property
    def stored(self) -> list[tuple[UserId, int]]:
        return [(message.user_id, message.revision) for message in self.broker.stored]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


async def test_everything_that_waits_is_published_in_order_before_the_relay_rests() -> None:
    running = Running(*(message("alice", revision) for revision in range(1, 11)))

    await running.until_it_rests()

    assert running.stored == [(user_id("alice"), revision) for revision in range(1, 11)]
    assert running.outbox.store.outbox == []
    assert running.shards.rests == [0.25]
    assert running.metric("library_outbox_messages_total", outcome="published") == 10
    assert running.metric("library_outbox_shards") == 16
    assert running.metric("library_outbox_oldest_seconds") == 0


async def test_a_call_brings_it_back_to_work() -> None:
    running = Running()
    resting = asyncio.Event()
    running.shards.on_rest = resting.set
    task = asyncio.create_task(running.relay.run(running.stopping))
    await resting.wait()

    running.outbox.store.outbox.append(message("alice", 1))
    resting.clear()
    running.outbox.call()
    await resting.wait()
    running.stopping.set()
    running.outbox.call()
    await task

    assert running.stored == [(user_id("alice"), 1)]


async def test_kafkas_absence_is_waited_out_with_the_order_kept() -> None:
    running = Running(message("alice", 1), message("alice", 2), message("bob", 1))
    attempts = count(1)
    running.broker.fate = lambda _: Fate.LOST if next(attempts) <= 6 else Fate.STORED

    await running.until_it_rests()

    assert [stored for stored in running.stored if stored[0] == user_id("alice")] == [
        (user_id("alice"), 1),
        (user_id("alice"), 2),
    ]
    assert running.metric("library_outbox_messages_total", outcome="failed") == 6


async def test_postgresqls_absence_is_waited_out_and_the_shards_are_claimed_again() -> None:
    running = Running(message("alice", 1))
    running.shards.away = True
    task = asyncio.create_task(running.until_it_rests())
    await running.until_it_failed(3)
    assert running.metric("library_outbox_shards") == 0

    running.shards.away = False
    await task

    assert running.stored == [(user_id("alice"), 1)]
    assert running.relay._failures == 0


async def test_a_connection_that_breaks_loses_nothing() -> None:
    running = Running()
    rests = count(1)

    def break_once() -> None:
        if next(rests) == 1:
            running.outbox.store.outbox.append(message("alice", 1))
            running.shards.cut()
        else:
            running.stopping.set()
            running.outbox.call()

    running.shards.on_rest = break_once
    async with asyncio.timeout(SECONDS):
        await running.relay.run(running.stopping)

    assert running.stored == [(user_id("alice"), 1)]


async def test_what_is_refused_for_good_is_parked_and_counted() -> None:
    running = Running(message("alice", 1), message("alice", 2))
    running.broker.fate = lambda each: Fate.REFUSED if each.revision == 1 else Fate.STORED

    await running.until_it_rests()

    assert [each.message.revision for each in running.outbox.parked] == [1]
    assert running.stored == [(user_id("alice"), 2)]
    assert running.metric("library_outbox_parked") == 1
    assert running.metric("library_outbox_messages_total", outcome="parked") == 1


async def test_the_age_of_what_waits_is_shown() -> None:
    running = Running(message("alice", 1))
    running.broker.fate = lambda _: Fate.LOST
    task = asyncio.create_task(running.relay.run(running.stopping))
    await running.until_it_failed(2)

    running.stopping.set()
    await task

    assert running.metric("library_outbox_oldest_seconds") == 30


async def test_the_pass_in_hand_is_finished_when_told_to_stop() -> None:
    running = Running(message("alice", 1), message("bob", 1), message("alice", 2))

    def stop(_: OutboxMessage) -> Fate:
        running.stopping.set()
        return Fate.STORED

    running.broker.fate = stop
    async with asyncio.timeout(SECONDS):
        await running.relay.run(running.stopping)

    assert sorted(running.stored) == sorted([(user_id("alice"), 1), (user_id("bob"), 1)])
    assert running.outbox.store.outbox == [message("alice", 2)]


async def test_a_stop_cuts_the_pause_short() -> None:
    running = Running(pause_seconds=60)
    running.shards.away = True
    task = asyncio.create_task(running.relay.run(running.stopping))
    await running.until_it_failed(1)

    running.stopping.set()

    async with asyncio.timeout(SECONDS):
        await task


@pytest.mark.parametrize("failures", [0, 1, 5, 10_000])
async def test_the_pause_never_exceeds_its_maximum(failures: int) -> None:
    running = Running()
    running.relay._failures = failures

    async with asyncio.timeout(1):
        await running.relay._pause(asyncio.Event(), "kafka")
