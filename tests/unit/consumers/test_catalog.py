"""Events of Catalog from their bytes to the read model."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from builders import game_id
from unit.consumers.house import ABSENT, EVENT_ID, House

from library_adapters.kafka import Outcome, Poison
from library_domain.catalog.model import LaunchOption, Platform, ProductType
from library_domain.shared.ids import NO_USER
from library_domain.shared.money import Money

GAME, ACHIEVEMENT, PRICE = "catalog.game.updated", "catalog.achievement.updated", "catalog.price.changed"
PORTAL = game_id("Portal 2")
TOLD_AT = datetime(2026, 11, 23, 11, 59, 58, 123456, tzinfo=UTC)


def game(**changed: Any) -> dict[str, Any]:
    state = {
        "game_id": str(PORTAL),
        "name": "Portal 2",
        "product_type": "game",
        "platforms": ["windows", "linux"],
        "size_required": 2**40,
        "version": "1.1",
        "sharing_allowed": True,
        "cloud_saves_supported": False,
        "launch_options": [{"id": "vr", "name": "VR", "command": "portal2 -vr", "is_default": True}],
        "is_deleted": False,
    }
    return state | changed


def price(**changed: Any) -> dict[str, Any]:
    told = {
        "game_id": str(PORTAL),
        "currency": "RUB",
        "amount": 499.50,
        "original_amount": "999.00",
        "discount_percent": 50,
        "valid_from": "2026-11-24T00:00:00+03:00",
    }
    return told | changed


async def test_a_game_is_described_with_all_its_members(house: House) -> None:
    optional = {
        "parent_game_id": str(game_id("Portal")),
        "achievements_total": 51,
        "cover_url": "https://cdn.test/portal2.jpg",
        "developer": "Valve",
    }

    assert await house.told(GAME, game(name="Поль-\u0438\u0306", **optional)) is Outcome.PROCESSED

    kept = house.store.games[PORTAL]
    assert (kept.name, kept.product_type, kept.parent_game_id) == (
        "Поль-й",
        ProductType.GAME,
        game_id("Portal"),
    )
    assert (kept.platforms, kept.size_required) == ((Platform.WINDOWS, Platform.LINUX), 2**40)
    assert kept.launch_options == (LaunchOption(id="vr", name="VR", command="portal2 -vr", is_default=True),)
    assert (kept.achievements_total, kept.developer) == (51, "Valve")
    assert (kept.event_at, kept.event_id) == (TOLD_AT, UUID(EVENT_ID))
    assert house.store.prices == {}


async def test_what_belongs_to_no_user_is_claimed_for_nobody(house: House) -> None:
    await house.told(GAME, game())

    assert house.store.inbox == {(NO_USER, "library", UUID(EVENT_ID))}


@pytest.mark.parametrize("absent", ["size_required", "version"])
async def test_what_a_product_does_not_have_is_null_but_said(house: House, absent: str) -> None:
    assert await house.told(GAME, game(**{absent: None})) is Outcome.PROCESSED
    with pytest.raises(Poison, match=absent):
        await house.told(GAME, game(**{absent: ABSENT}))


async def test_the_price_of_a_game_counts_from_the_event_on(house: House) -> None:
    told = {"amount": 499, "currency": "RUB", "original_amount": 999}

    await house.told(GAME, game(price=told))

    kept = house.store.prices[PORTAL, "RUB"]
    assert (kept.amount, kept.original_amount) == (Money(Decimal(499)), Money(Decimal(999)))
    assert (kept.valid_from, kept.discount_percent, kept.valid_until) == (TOLD_AT, 0, None)


async def test_a_price_is_kept_and_remembered(house: House) -> None:
    await house.told(PRICE, price(valid_until="2026-12-01T00:00:00Z"))

    kept = house.store.prices[PORTAL, "RUB"]
    assert (kept.amount, kept.original_amount) == (Money(Decimal("499.50")), Money(Decimal("999.00")))
    assert kept.valid_from == datetime(2026, 11, 23, 21, tzinfo=UTC)
    assert kept.valid_until == datetime(2026, 12, 1, tzinfo=UTC)
    assert [*house.store.price_history.values()] == [kept]


@pytest.mark.parametrize(
    ("event_type", "data", "named"),
    [
        (PRICE, price(amount=0.125), r"data\.amount: more_than_two_places"),
        (PRICE, price(original_amount=0.125), r"data\.original_amount: more_than_two_places"),
        (PRICE, price(valid_from="1999-01-01T00:00:00Z"), r"data\.valid_from"),
        (PRICE, price(valid_until="9999-12-31T23:59:59-05:00"), r"data\.valid_until"),
        (
            GAME,
            game(price={"amount": 0.125, "currency": "RUB", "original_amount": 1}),
            r"data\.price\.amount",
        ),
        (GAME, game(parent_game_id=str(UUID(int=0))), r"data\.parent_game_id"),
        (GAME, game(name="\ufb2c" * 255), r"data\.name is longer"),
        (GAME, game(platforms=["windows"] * 21), r"\$\.platforms"),
    ],
)
async def test_what_can_never_be_is_poison_that_names_the_member(
    house: House, event_type: str, data: dict[str, Any], named: str
) -> None:
    with pytest.raises(Poison, match=named) as poison:
        await house.told(event_type, data)

    assert poison.value.reason == "invalid_data"
    assert house.store.games == {}
    assert house.store.prices == {}


async def test_an_achievement_is_described(house: House) -> None:
    told = {
        "game_id": str(PORTAL),
        "achievement_id": "ACH.WAKE_UP:1-a",
        "name": "Wake Up Call",
        "description": "Survive\nthe manual override",
        "icon_url": None,
        "is_hidden": True,
        "server_granted": False,
        "is_deleted": False,
    }

    await house.told(ACHIEVEMENT, told)

    kept = house.store.achievements[PORTAL, "ACH.WAKE_UP:1-a"]
    assert (kept.name, kept.description) == ("Wake Up Call", "Survive\nthe manual override")
    assert (kept.is_hidden, kept.min_playtime_seconds, kept.event_at) == (True, None, TOLD_AT)
