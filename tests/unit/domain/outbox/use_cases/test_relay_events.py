"""One pass of the relay: in order per user, at least once, nothing lost (contract 6, data 18)."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, repeat

import pytest
from builders import NOON, a_message, user_id
from fakes.clock import FakeClock
from fakes.outbox import FakeOutbox, FakeOutboxShards, FakePublisher, Fate
from fakes.store import Store
from hypothesis import given, settings
from hypothesis import strategies as st

from library_domain.outbox.model import OutboxMessage
from library_domain.outbox.use_cases.relay_events import RelayEvents, RelayEventsHandler, RelayEventsResult
from library_domain.shared.errors import DependencyUnavailable

ALICE, BOB = sorted([user_id("alice"), user_id("bob")])


class Post:
    """An outbox with messages, a relay that holds every shard, and a broker."""

    def __init__(self, *messages: OutboxMessage) -> None:
        self.store = Store(outbox=list(messages))
        self.outbox = FakeOutbox(self.store, clock=FakeClock(NOON))
        self.shards = self.outbox.relay()
        self.broker = FakePublisher()
        self.relay = RelayEventsHandler(shards=self.shards, publisher=self.broker)

    async def __call__(self, *, limit: int = 100) -> RelayEventsResult:
        await self.shards.claim()
        return await self.relay(RelayEvents(limit=limit))


def three_each() -> list[OutboxMessage]:
    return [a_message(user, revision) for revision in (1, 2, 3) for user in (ALICE, BOB)]


async def test_an_empty_outbox_bothers_no_broker() -> None:
    post = Post()

    result = await post()

    assert result == RelayEventsResult()
    assert not result.more
    assert post.broker.batches == []


async def test_users_go_side_by_side_and_each_users_messages_one_after_the_other() -> None:
    post = Post(*three_each())

    result = await post()

    assert result == RelayEventsResult(published=6)
    assert result.more
    assert [[(m.user_id, m.revision) for m in batch] for batch in post.broker.batches] == [
        [(ALICE, 1), (BOB, 1)],
        [(ALICE, 2), (BOB, 2)],
        [(ALICE, 3), (BOB, 3)],
    ]
    assert post.store.outbox == []


async def test_events_of_one_transaction_keep_their_order() -> None:
    post = Post(a_message(ALICE, 1, 1), a_message(ALICE, 2, 0), a_message(ALICE, 1, 0))

    await post()

    assert [(m.revision, m.n) for m in post.broker.stored] == [(1, 0), (1, 1), (2, 0)]


async def test_a_message_that_fails_halts_its_user_and_nobody_else() -> None:
    post = Post(*three_each())
    post.broker.fate = lambda m: Fate.LOST if (m.user_id, m.revision) == (ALICE, 2) else Fate.STORED

    result = await post()

    assert result == RelayEventsResult(published=4, failed=1)
    assert not result.more
    assert [(m.user_id, m.revision) for m in post.store.outbox] == [(ALICE, 2), (ALICE, 3)]
    assert [m.revision for m in post.broker.stored if m.user_id == BOB] == [1, 2, 3]


async def test_a_message_that_failed_goes_first_the_next_time() -> None:
    post = Post(*three_each())
    post.broker.fate = lambda m: Fate.LOST if m.user_id == ALICE else Fate.STORED
    await post()
    post.broker.fate = lambda _: Fate.STORED

    result = await post()

    assert result == RelayEventsResult(published=3)
    assert [m.revision for m in post.broker.stored if m.user_id == ALICE] == [1, 2, 3]


async def test_a_message_whose_answer_was_lost_is_sent_again() -> None:
    post = Post(a_message(ALICE))
    post.broker.fate = lambda _: Fate.ANSWER_LOST
    await post()
    post.broker.fate = lambda _: Fate.STORED
    await post()

    assert Counter(m.id for m in post.broker.stored) == Counter({a_message(ALICE).id: 2})
    assert post.store.outbox == []


async def test_a_message_that_is_refused_is_parked_and_the_next_goes_on() -> None:
    post = Post(*three_each())
    post.broker.fate = lambda m: Fate.REFUSED if (m.user_id, m.revision) == (ALICE, 2) else Fate.STORED

    result = await post()

    assert result == RelayEventsResult(published=5, parked=1)
    assert result.more
    (parked,) = post.outbox.parked
    assert (parked.message.user_id, parked.message.revision) == (ALICE, 2)
    assert (parked.reason, parked.parked_at) == ("refused by the broker", NOON)
    assert [m.revision for m in post.broker.stored if m.user_id == ALICE] == [1, 3]
    assert post.store.outbox == []


async def test_when_all_fail_the_pass_ends_with_the_first_wave() -> None:
    post = Post(*three_each())
    post.broker.fate = lambda _: Fate.LOST

    result = await post()

    assert result == RelayEventsResult(failed=2)
    assert len(post.broker.batches) == 1


async def test_no_more_than_asked_for_is_taken() -> None:
    post = Post(*(a_message(ALICE, revision) for revision in range(1, 40)))

    result = await post(limit=16)

    assert result.published <= 16
    assert [m.revision for m in post.broker.stored] == list(range(1, result.published + 1))


@pytest.mark.parametrize("cut_before", ["remove", "park"])
async def test_a_relay_that_loses_its_shards_meanwhile_removes_nothing(cut_before: str) -> None:
    post = Post(*three_each())

    def fate(_: OutboxMessage) -> Fate:
        post.shards.cut()
        return Fate.REFUSED if cut_before == "park" else Fate.STORED

    post.broker.fate = fate
    with pytest.raises(DependencyUnavailable):
        await post()

    assert len(post.store.outbox) == 6
    assert post.outbox.parked == []


class Watched(FakeOutboxShards):
    """Checks at every removal that the broker has acknowledged it."""

    broker: FakePublisher

    async def remove(self, messages: Sequence[OutboxMessage]) -> None:
        assert {m.id for m in messages} <= {m.id for m in self.broker.acknowledged}
        await super().remove(messages)


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(min_value=1, max_value=3)), max_size=12),
    st.lists(st.sampled_from(Fate), max_size=40),
    st.integers(min_value=1, max_value=20),
)
@settings(max_examples=200)
async def test_whatever_fails_order_is_kept_and_nothing_lost_or_doubled_without_cause(
    transactions: list[tuple[str, int]], troubles: list[Fate], limit: int
) -> None:
    revisions: defaultdict[str, Iterator[int]] = defaultdict(lambda: iter(range(1, 100)))
    messages = [
        a_message(user_id(user), revision, n)
        for user, events in transactions
        for revision in [next(revisions[user])]
        for n in range(events)
    ]
    fates = chain(troubles, repeat(Fate.STORED))
    met: defaultdict[object, list[Fate]] = defaultdict(list)

    def fate(message: OutboxMessage) -> Fate:
        met[message.id].append(next(fates))
        return met[message.id][-1]

    store = Store(outbox=list(messages))
    outbox = FakeOutbox(store, clock=FakeClock())
    shards = Watched(outbox)
    shards.broker = FakePublisher(fate)
    relay = RelayEventsHandler(shards=shards, publisher=shards.broker)
    await shards.claim()

    passes = 0
    while store.outbox:
        await relay(RelayEvents(limit=limit))
        passes += 1
        assert passes <= len(messages) + len(troubles)

    parked = {entry.message.id for entry in outbox.parked}
    acknowledged = Counter(m.id for m in shards.broker.acknowledged)
    assert parked | acknowledged.keys() == {m.id for m in messages}
    assert not parked & acknowledged.keys()
    assert set(acknowledged.values()) <= {1}
    stored = Counter(m.id for m in shards.broker.stored)
    for message in messages:
        unanswered = met[message.id].count(Fate.ANSWER_LOST)
        assert stored[message.id] == unanswered + acknowledged[message.id]
    for user in {m.user_id for m in messages}:
        sequence = [(m.revision, m.n) for m in shards.broker.stored if m.user_id == user]
        # Repetitions of one message stand together, so what a consumer sees after dropping them rises strictly.
        assert sequence == sorted(sequence)
