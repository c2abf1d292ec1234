"""What the repository of erasures promises, through the use case that fills it (contract 4.7)."""

from datetime import timedelta

from builders import NOON, event_id
from contract.libraries import ALICE
from contract.worlds import World
from fakes.clock import FakeClock

from library_domain.accounts.use_cases.record_erasure import RecordErasure, RecordErasureHandler


async def test_an_erasure_is_kept_once_as_it_was_first_asked_for(world: World, clock: FakeClock) -> None:
    record = RecordErasureHandler(uow=world.uow, clock=clock)
    later = RecordErasure(user_id=ALICE, event_id=event_id("later"), event_time=NOON, reason=None)
    first = RecordErasure(
        user_id=ALICE,
        event_id=event_id("first"),
        event_time=NOON - timedelta(hours=1),
        reason="user_request",
    )

    for command in (later, first, later, first):
        await record(command)

    assert await world.erasures() == [
        {
            "user_id": ALICE,
            "requested_at": first.event_time,
            "event_id": first.event_id,
            "reason": "user_request",
            "state": "requested",
        }
    ]
    assert [row["action"] for row in await world.audit()] == ["request_erasure"]
    assert (await world.revision(ALICE), await world.outbox()) == (1, [])
