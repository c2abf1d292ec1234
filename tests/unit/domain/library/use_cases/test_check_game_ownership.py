"""Does this user own this game, since when, and which of its DLC?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import NOON, a_grant, game_id, user_id
from fakes.clock import FakeClock
from fakes.library_reader import FakeLibraryReader
from fakes.store import Store
from unit.domain.library.use_cases.conftest import Own

from library_domain.library.model import AcquisitionType
from library_domain.library.use_cases.check_game_ownership import (
    CheckGameOwnership,
    CheckGameOwnershipHandler,
    Ownership,
)

ALICE = user_id("alice")
PORTAL = CheckGameOwnership(user_id=ALICE, game_id=game_id("Portal 2"))


async def test_the_strongest_right_tells_since_when(
    reader: FakeLibraryReader, clock: FakeClock, own: Own
) -> None:
    await own("Portal 2", acquisition_type=AcquisitionType.FREE, purchased_at=NOON - timedelta(days=9))
    await own("Portal 2", purchased_at=NOON - timedelta(days=1), dlc=(game_id("Art book"),))

    ownership = await CheckGameOwnershipHandler(reader=reader, clock=clock)(PORTAL)

    assert ownership == Ownership(
        owned=True,
        acquisition_type=AcquisitionType.PURCHASE,
        acquired_at=NOON - timedelta(days=1),
        dlc_owned=[game_id("Art book")],
    )


async def test_nothing_is_owned_of_a_game_that_the_user_never_had(
    reader: FakeLibraryReader, clock: FakeClock
) -> None:
    assert await CheckGameOwnershipHandler(reader=reader, clock=clock)(PORTAL) == Ownership(owned=False)


@pytest.mark.parametrize(
    "end",
    [
        {"revoked_at": NOON, "revoke_reason": "refunded"},
        {"acquisition_type": AcquisitionType.SUBSCRIPTION, "expires_at": NOON},
    ],
)
async def test_what_was_taken_back_or_ran_out_is_not_owned(
    reader: FakeLibraryReader, store: Store, clock: FakeClock, own: Own, end: dict[str, Any]
) -> None:
    check = CheckGameOwnershipHandler(reader=reader, clock=clock)
    await own("Portal 2", dlc=(game_id("Art book"),))

    def ended(name: str) -> None:
        grants = store.entries[ALICE, game_id(name)].grants
        grants[:] = [replace(grant, **end) for grant in grants]

    ended("Art book")
    without_dlc = await check(PORTAL)
    ended("Portal 2")
    without_game = await check(PORTAL)

    assert (without_dlc.owned, without_dlc.dlc_owned) == (True, [])
    assert without_game == Ownership(owned=False)


async def test_a_borrowed_game_is_held_but_not_owned(
    reader: FakeLibraryReader, store: Store, clock: FakeClock, own: Own
) -> None:
    await own("Portal 2")
    store.entries[ALICE, game_id("Portal 2")].grants[:] = [
        a_grant(AcquisitionType.FAMILY, source_id=str(user_id("bob")))
    ]

    ownership = await CheckGameOwnershipHandler(reader=reader, clock=clock)(PORTAL)

    assert (ownership.owned, ownership.acquisition_type) == (False, AcquisitionType.FAMILY)
