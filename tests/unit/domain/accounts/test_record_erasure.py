"""An account ended: written down once, whatever comes how often (contract 4.7, details 3.1)."""

from datetime import timedelta
from itertools import permutations

import pytest
from builders import NOON, event_id, user_id
from fakes.clock import FakeClock, SequentialIds
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork

from library_domain.accounts.model import ErasureJob, ErasureState
from library_domain.accounts.use_cases.record_erasure import (
    RecordErasure,
    RecordErasureHandler,
    RecordErasureResult,
)

ALICE = user_id("alice")
FIRST = RecordErasure(user_id=ALICE, event_id=event_id("first"), event_time=NOON, reason="user_request")
SECOND = RecordErasure(
    user_id=ALICE, event_id=event_id("second"), event_time=NOON + timedelta(hours=1), reason="fraud"
)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def record(store: Store, clock: FakeClock, ids: SequentialIds) -> RecordErasureHandler:
    return RecordErasureHandler(uow=FakeUnitOfWork(store, clock=clock, ids=ids), clock=clock)


async def test_the_erasure_is_written_down_and_audited(record: RecordErasureHandler, store: Store) -> None:
    result = await record(FIRST)

    assert result == RecordErasureResult(recorded=True)
    assert store.erasures[ALICE] == ErasureJob(
        user_id=ALICE,
        requested_at=NOON,
        event_id=event_id("first"),
        reason="user_request",
        state=ErasureState.REQUESTED,
    )
    assert [row["action"] for row in store.audit] == ["request_erasure"]
    assert store.outbox == []


@pytest.mark.parametrize("order", sorted(set(permutations((FIRST, SECOND, FIRST))), key=str))
async def test_the_first_request_counts_in_any_order(
    record: RecordErasureHandler, store: Store, order: tuple[RecordErasure, ...]
) -> None:
    news = [(await record(command)).recorded for command in order]

    assert news == [True, False, False]
    assert store.erasures[ALICE].event_id == FIRST.event_id
    assert (len(store.audit), store.users[ALICE].revision) == (1, 1)
