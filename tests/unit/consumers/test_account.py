"""The end of an account from its bytes to the erasure that it asks for."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from builders import user_id
from unit.consumers.house import EVENT_ID, House, purchase

from library_adapters.kafka import Outcome

DELETED = "account.user.deleted"


@pytest.mark.parametrize("said", [{}, {"reason": None}, {"reason": "asked\nby the user"}])
async def test_an_erasure_is_written_down_and_nothing_erased(house: House, said: dict[str, Any]) -> None:
    await house.take(purchase(event_id="0190c1a2-7b3c-7def-8123-000000000009"))

    assert await house.told(DELETED, {"user_id": str(user_id("alice"))} | said) is Outcome.PROCESSED

    job = house.store.erasures[user_id("alice")]
    assert (job.reason, job.event_id) == (said.get("reason"), UUID(EVENT_ID))
    assert job.requested_at == datetime(2026, 11, 23, 11, 59, 58, 123456, tzinfo=UTC)
    assert house.entry() is not None


async def test_a_user_that_nobody_knows_is_normal(house: House) -> None:
    assert await house.told(DELETED, {"user_id": str(user_id("nobody"))}) is Outcome.PROCESSED
