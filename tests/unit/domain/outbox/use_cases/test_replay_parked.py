"""What was refused gets another chance (contract 6)."""

from uuid import UUID

import pytest
from builders import a_message, event_id, user_id
from fakes.clock import FakeClock
from fakes.outbox import FakeOutbox
from fakes.store import Store

from library_domain.outbox.model import OutboxMessage, ParkedMessage
from library_domain.outbox.use_cases.replay_parked import (
    ReplayParked,
    ReplayParkedHandler,
    ReplayParkedResult,
)

ALICE = user_id("alice")
MESSAGES = [a_message(ALICE, revision) for revision in (1, 2, 3)]


@pytest.fixture
def outbox(clock: FakeClock) -> FakeOutbox:
    outbox = FakeOutbox(Store(), clock=clock)
    outbox.parked = [
        ParkedMessage(message=each, reason="refused", parked_at=clock.now()) for each in MESSAGES
    ]
    return outbox


def ids(*messages: OutboxMessage) -> tuple[UUID, ...]:
    return tuple(message.id for message in messages)


async def test_all_of_them(outbox: FakeOutbox) -> None:
    result = await ReplayParkedHandler(parked=outbox)(ReplayParked())

    assert result == ReplayParkedResult(replayed=ids(*MESSAGES), missing=frozenset())
    assert (outbox.store.outbox, outbox.parked) == (MESSAGES, [])


async def test_those_that_were_named_once(outbox: FakeOutbox) -> None:
    replay, absent = ReplayParkedHandler(parked=outbox), event_id("absent")
    command = ReplayParked(event_ids=frozenset({MESSAGES[1].id, absent}))

    first, second = await replay(command), await replay(command)

    assert first == ReplayParkedResult(replayed=ids(MESSAGES[1]), missing=frozenset({absent}))
    assert second == ReplayParkedResult(replayed=(), missing=frozenset({MESSAGES[1].id, absent}))
    assert outbox.store.outbox == [MESSAGES[1]]
