"""Refunds and subscriptions from their bytes to the library."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from builders import game_id, user_id
from unit.consumers.house import LATER_EVENT_ID, House, purchase

from library_adapters.kafka import Outcome, Poison
from library_domain.library.model import SubscriptionStatus
from library_domain.library.use_cases.change_subscription import APPLY_SUBSCRIPTION

REFUNDED, CHANGED = "payment.purchase.refunded", "payment.subscription.changed"
ALICE = str(user_id("alice"))
PORTAL, DLC = str(game_id("Portal 2")), str(game_id("Portal 2 DLC"))


def refund(**changed: Any) -> dict[str, Any]:
    return {"user_id": ALICE, "transaction_id": "txn-1"} | changed


def subscription(**changed: Any) -> dict[str, Any]:
    state = {
        "user_id": ALICE,
        "subscription_id": "sub-1",
        "status": "active",
        "games": [PORTAL, PORTAL, DLC],
        "expires_at": "2027-01-01T03:00:00+03:00",
    }
    return state | changed


@pytest.mark.parametrize("named", [{}, {"game_id": PORTAL}, {"game_id": PORTAL, "dlc": [DLC]}])
async def test_a_refund_withdraws_what_was_bought(house: House, named: dict[str, Any]) -> None:
    await house.take(purchase())

    assert await house.told(REFUNDED, refund(**named), event_id=LATER_EVENT_ID) is Outcome.PROCESSED

    (grant,) = house.entry().grants
    assert grant.revoked_at is not None


async def test_a_refund_of_the_dlc_leaves_the_game(house: House) -> None:
    await house.take(purchase({"dlc": [DLC]}))

    await house.told(REFUNDED, refund(dlc=[DLC]), event_id=LATER_EVENT_ID)

    assert house.entry().grants[0].revoked_at is None
    assert house.entry("Portal 2 DLC").grants[0].revoked_at is not None


async def test_a_refund_before_its_purchase_makes_it_void(house: House) -> None:
    await house.told(REFUNDED, refund(), event_id=LATER_EVENT_ID)
    await house.take(purchase())

    grants = [grant for entry in house.store.entries.values() for grant in entry.grants]
    assert all(grant.revoked_at is not None for grant in grants)


async def test_the_transaction_of_a_refund_is_compared_in_nfc(house: House) -> None:
    await house.take(purchase({"transaction_id": "й"}))

    await house.told(REFUNDED, refund(transaction_id="и\u0306"), event_id=LATER_EVENT_ID)

    assert house.entry().grants[0].revoked_at is not None


async def test_a_subscription_is_kept_and_left_to_a_job(house: House) -> None:
    await house.told(CHANGED, subscription())

    kept = house.store.subscriptions[user_id("alice"), "sub-1"]
    assert kept.status is SubscriptionStatus.ACTIVE
    assert kept.games == {game_id("Portal 2"), game_id("Portal 2 DLC")}
    assert kept.expires_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert (APPLY_SUBSCRIPTION, f"{ALICE}:sub-1") in house.store.jobs
    assert house.store.entries == {}
    assert house.catalog.questions == []


async def test_as_many_games_as_the_contract_allows_are_taken(house: House) -> None:
    games = [str(UUID(int=number + 1)) for number in range(5_000)]

    assert await house.told(CHANGED, subscription(games=games)) is Outcome.PROCESSED
    assert len(house.store.subscriptions[user_id("alice"), "sub-1"].games) == 5_000


@pytest.mark.parametrize("never", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"])
async def test_a_subscription_may_run_for_ever(house: House, never: str) -> None:
    assert await house.told(CHANGED, subscription(expires_at=never)) is Outcome.PROCESSED


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"expires_at": "1999-01-01T00:00:00Z"}, id="before 2000"),
        pytest.param({"expires_at": "9999-12-31T23:59:59-05:00"}, id="no time in UTC"),
        pytest.param({"expires_at": None}, id="no end"),
        pytest.param({"games": [str(UUID(int=1))] * 5_001}, id="5,001 games"),
        pytest.param({"games": [str(UUID(int=0))]}, id="no game"),
        pytest.param({"subscription_id": "\ufb2c" * 100}, id="long in NFC"),
    ],
)
async def test_what_no_subscription_can_be_is_poison(house: House, changed: dict[str, Any]) -> None:
    with pytest.raises(Poison) as poison:
        await house.told(CHANGED, subscription(**changed))

    assert poison.value.reason == "invalid_data"
    assert house.store.subscriptions == {}
