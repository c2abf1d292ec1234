"""What holds for each event that we consume, tried on its example in docs/events."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from unit.consumers.house import TOPICS, House, record

from library_adapters.kafka import Outcome, Poison
from library_domain.shared.errors import DependencyUnavailable

EVENTS = Path(__file__).parents[3] / "docs/events"
CLAIMED = [event_type for event_type in TOPICS if not event_type.startswith("download.")]
USE_CASES = {
    "payment.purchase.completed": "add_to_library",
    "payment.purchase.refunded": "refund_purchase",
    "payment.subscription.changed": "change_subscription",
    "catalog.game.updated": "update_game",
    "catalog.achievement.updated": "update_achievement",
    "catalog.price.changed": "change_price",
    "download.game.installed": "record_installation",
    "download.game.uninstalled": "record_installation",
    "download.game.progress": "record_installation",
    "account.user.deleted": "record_erasure",
}
# Each required member of one event or another, and what it cannot be.
WRONG: dict[str, Any] = {
    "user_id": "somebody",
    "game_id": "a game",
    "transaction_id": "",
    "purchase_type": "stolen",
    "subscription_id": "x" * 101,
    "status": "paused",
    "games": "all",
    "expires_at": "tomorrow",
    "name": "a\x00b",
    "product_type": "toaster",
    "platforms": ["toaster"],
    "size_required": -1,
    "version": "",
    "sharing_allowed": "yes",
    "cloud_saves_supported": 1,
    "launch_options": [{"id": "no name"}],
    "is_deleted": None,
    "achievement_id": "no spaces",
    "description": "x" * 4001,
    "icon_url": "a\nb",
    "is_hidden": "no",
    "server_granted": "no",
    "currency": "rub",
    "amount": -1,
    "original_amount": "1e3",
    "discount_percent": 101,
    "valid_from": "2026-11-23T10:00:00",
}


def example(event_type: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EVENTS / f"{event_type}.example.json").read_text())
    return document


def value_of(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize("event_type", TOPICS)
async def test_its_example_is_taken_and_leaves_something(house: House, event_type: str) -> None:
    before = deepcopy(house.store)

    outcome = await house.take(value_of(example(event_type)), topic=TOPICS[event_type])

    assert outcome is Outcome.PROCESSED
    assert house.store != before


@pytest.mark.parametrize("event_type", TOPICS)
async def test_again_it_changes_nothing_also_when_the_inbox_has_forgotten_it(
    house: House, event_type: str
) -> None:
    value, topic = value_of(example(event_type)), TOPICS[event_type]
    await house.take(value, topic=topic)
    after_once = deepcopy(house.store)

    outcome = await house.take(value, topic=topic)
    assert outcome is (Outcome.DUPLICATE if event_type in CLAIMED else Outcome.PROCESSED)
    assert house.store == after_once

    house.store.inbox.clear()
    assert await house.take(value, topic=topic) is Outcome.PROCESSED
    assert house.store == after_once


@pytest.mark.parametrize("event_type", CLAIMED)
async def test_a_failure_leaves_no_claim(house: House, event_type: str) -> None:
    async def fail(_: object) -> None:
        raise DependencyUnavailable("postgres")

    value, topic = value_of(example(event_type)), TOPICS[event_type]
    door = house.door_with(**{USE_CASES[event_type]: fail})
    with pytest.raises(DependencyUnavailable):
        await door(record(value, topic=topic))
    assert house.store.inbox == set()

    assert await house.take(value, topic=topic) is Outcome.PROCESSED


def wrong_members() -> list[Any]:
    return [
        pytest.param(event_type, member, id=f"{event_type} {member}")
        for event_type in TOPICS
        for member in example(event_type)["data"]
        if member in WRONG
    ]


@pytest.mark.parametrize(("event_type", "member"), wrong_members())
async def test_a_wrong_member_makes_it_poison_and_is_named(
    house: House, event_type: str, member: str
) -> None:
    document = example(event_type)
    before = deepcopy(house.store)
    document["data"][member] = WRONG[member]

    with pytest.raises(Poison, match=rf"data: .*\$\.{member}") as poison:
        await house.take(value_of(document), topic=TOPICS[event_type])

    assert poison.value.reason == "invalid_data"
    assert house.store == before


@pytest.mark.parametrize("event_type", TOPICS)
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"version": "2.0"}, "unknown_version"),
        ({"version": 1}, "invalid_envelope"),
        ({"event_id": None}, "invalid_envelope"),
        ({"timestamp": "2026-11-23T10:15:30"}, "invalid_envelope"),
        ({"timestamp": "2026-11-25T10:15:30Z"}, "invalid_data"),
        ({"timestamp": "1999-11-23T10:15:30Z"}, "invalid_data"),
        ({"data": []}, "invalid_data"),
    ],
)
async def test_a_wrong_envelope_makes_it_poison(
    house: House, event_type: str, changed: dict[str, Any], reason: str
) -> None:
    before = deepcopy(house.store)

    with pytest.raises(Poison) as poison:
        await house.take(value_of(example(event_type) | changed), topic=TOPICS[event_type])

    assert poison.value.reason == reason
    assert house.store == before


@pytest.mark.parametrize("event_type", TOPICS)
async def test_nobody_and_no_game_are_poison(house: House, event_type: str) -> None:
    for member in ("user_id", "game_id"):
        document = example(event_type)
        if document["data"].get(member) is None:
            continue
        document["data"][member] = str(UUID(int=0))

        with pytest.raises(Poison, match=rf"data\.{member} is no"):
            await house.take(value_of(document), topic=TOPICS[event_type])


@pytest.mark.parametrize("event_type", TOPICS)
async def test_members_that_nobody_knows_are_borne(house: House, event_type: str) -> None:
    document = example(event_type) | {"unheard_of": [1]}
    document["data"]["unheard_of"] = {"nested": True}

    assert await house.take(value_of(document), topic=TOPICS[event_type]) is Outcome.PROCESSED


@pytest.mark.parametrize("topic", sorted(set(TOPICS.values())))
async def test_a_type_of_another_topic_is_skipped(house: House, topic: str) -> None:
    stranger = next(event_type for event_type, home in TOPICS.items() if home != topic)

    assert await house.take(value_of(example(stranger)), topic=topic) is Outcome.SKIPPED
