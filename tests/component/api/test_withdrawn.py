"""Games that one had: listed only when asked for, shown with the reason, and still one's own to edit (details 3.2, 3.5)."""

from datetime import timedelta

import httpx2
import pytest
from builders import NOON, a_dlc, a_game, a_grant, game_id
from component.api.door import LIBRARY, World, bearer, data

from library_domain.library.model import AcquisitionType, Grant

HOUR = timedelta(hours=1)
PORTAL = f"{LIBRARY}/{game_id('Portal 2')}"
REFUNDED = a_grant(revoked_at=NOON, revoke_reason="refunded")
RAN_OUT = a_grant(AcquisitionType.SUBSCRIPTION, expires_at=NOON)
RUNS_OUT = a_grant(AcquisitionType.SUBSCRIPTION, expires_at=NOON + HOUR)


@pytest.fixture(params=[(REFUNDED, "revoked"), (RAN_OUT, "expired"), (RUNS_OUT, "expired")])
def reason(request: pytest.FixtureRequest, world: World) -> str:
    """Let Alice have Braid, and have had Portal 2, until this moment or with nobody having noticed the end yet."""
    right: Grant
    reason: str
    right, reason = request.param
    world.own(a_game("Portal 2"), grant=right)
    world.own(a_game("Braid"))
    world.clock.advance(HOUR)
    return reason


async def test_it_is_not_in_the_list_nor_counted(client: httpx2.AsyncClient, reason: str) -> None:
    page = data(await client.get(LIBRARY, headers=bearer()))

    assert ([item["name"] for item in page["items"]], page["total"]) == (["Braid"], 1)


async def test_it_is_listed_when_asked_for(client: httpx2.AsyncClient, reason: str) -> None:
    page = data(await client.get(LIBRARY, params={"filter": "withdrawn"}, headers=bearer()))

    assert ([item["name"] for item in page["items"]], page["total"]) == (["Portal 2"], 1)


async def test_it_is_shown_and_says_why_it_may_not_be_played(client: httpx2.AsyncClient, reason: str) -> None:
    item = data(await client.get(PORTAL, headers=bearer()))
    access = data(await client.get(f"{PORTAL}/access", headers=bearer()))

    for verdict in (item["access"], access):
        assert (verdict["allowed"], verdict["via"], verdict["reason"]) == (False, None, reason)


async def test_it_may_be_edited(client: httpx2.AsyncClient, reason: str) -> None:
    response = await client.patch(PORTAL, json={"notes": "buy again"}, headers=bearer())

    assert data(response)["notes"] == "buy again"
    assert data(await client.get(PORTAL, headers=bearer()))["access"]["reason"] == reason


async def test_it_comes_back_with_another_right(
    world: World, client: httpx2.AsyncClient, reason: str
) -> None:
    world.own(a_game("Portal 2"))

    page = data(await client.get(LIBRARY, headers=bearer()))

    assert [item["name"] for item in page["items"]] == ["Braid", "Portal 2"]
    assert data(await client.get(f"{PORTAL}/access", headers=bearer()))["allowed"]


async def test_its_dlc_lack_their_base_game(world: World, client: httpx2.AsyncClient) -> None:
    world.own(a_game("Portal 2"), grant=REFUNDED)
    world.own(a_dlc("Art book", of="Portal 2"))

    access = data(await client.get(f"{LIBRARY}/{game_id('Art book')}/access", headers=bearer()))

    assert (access["allowed"], access["reason"]) == (False, "base_game_missing")
    assert data(await client.get(LIBRARY, headers=bearer()))["items"] == []


async def test_a_withdrawn_dlc_is_not_under_its_game(world: World, client: httpx2.AsyncClient) -> None:
    world.own(a_game("Portal 2"))
    world.own(a_dlc("Art book", of="Portal 2"), grant=REFUNDED)

    item = data(await client.get(PORTAL, headers=bearer()))
    withdrawn = data(await client.get(LIBRARY, params={"filter": "withdrawn"}, headers=bearer()))

    assert item["dlc"] == []
    assert withdrawn["items"] == []
