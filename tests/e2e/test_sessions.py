"""A game that is played through the whole house: begun over gRPC, alive over REST, told on Kafka, ended by a refund."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from figures import Report
from waiting import until

from e2e.doors import BASE, Grpc, Payments, Published, Rest, Tail
from e2e.house import House
from e2e.purchases import Purchase, derived, games
from library_devstack.event_contract import EventContract
from library_domain.playtime.model import started_at
from library_domain.shared.events import PLAYTIME_EVENTS

GAME = games()[2]
PLAYTIME = f"{BASE}/playtime"


async def buys(buyer: UUID, about: str, rest: Rest, payments: Payments) -> Purchase:
    purchase = Purchase(about=about, user=buyer, game=GAME.game_id)
    await payments.publish(purchase.event())
    await rest.wait_for(buyer, GAME.game_id)
    return purchase


def refund_of(purchase: Purchase) -> Mapping[str, Any]:
    return {
        **purchase.event(),
        "event_id": str(derived("event", f"refund of {purchase.about}")),
        "event_type": "payment.purchase.refunded",
        "data": {"user_id": str(purchase.user), "transaction_id": purchase.transaction_id},
    }


def fits_its_schema(record: Published) -> None:
    EventContract().check(PLAYTIME_EVENTS, [record.event])


async def test_what_is_played_is_told_on_its_topic(
    rest: Rest, grpc: Grpc, payments: Payments, played: Tail
) -> None:
    player = derived("user", "plays and is told of")
    await buys(player, "to be played", rest, payments)

    begun = await grpc.start_session(player, GAME.game_id, "desktop_client_001")
    start = {"game_id": str(GAME.game_id), "client_id": "desktop_client_001"}
    resumed = (await rest.post(f"{PLAYTIME}/start", start, user=player)).json()["data"]
    alive = await rest.post(f"{PLAYTIME}/heartbeat", {"session_id": begun.session_id}, user=player)
    ended = (await rest.post(f"{PLAYTIME}/end", {"session_id": begun.session_id}, user=player)).json()["data"]
    again = await grpc.end_session(player, begun.session_id)

    assert (resumed["session_id"], resumed["resumed"]) == (begun.session_id, True)
    assert alive.status_code == 200
    assert begun.start_time == started_at(UUID(begun.session_id))
    assert (again.session_id, again.duration, again.end_reason) == (
        begun.session_id,
        ended["duration_seconds"],
        "client",
    )
    records = await played.wait_for(player, count=3)
    assert [each.type for each in records] == [
        "library.session.started",
        "library.session.ended",
        "library.playtime.updated",
    ]
    for record in records:
        fits_its_schema(record)
        assert record.raw.key == str(player).encode()
        assert record.headers["ce_type"] == record.type
        assert record.headers["ce_id"] == record.event["event_id"]
        assert record.data["game_name"] == GAME.title
        assert record.data["session_id"] == begun.session_id
    started, over, updated = (record.data for record in records)
    assert [record.sequence for record in records] == [(2, 0), (3, 0), (3, 1)]
    assert (started["device_id"], started["platform"], started["owner_id"]) == (
        "desktop_client_001",
        "linux",
        str(player),
    )
    assert over["reason"] == "client"
    shared = over.keys() & ended.keys()
    assert shared >= {"end_time", "duration_seconds", "afk_seconds", "total_playtime_seconds"}
    assert {name: over[name] for name in shared} == {name: ended[name] for name in shared}
    assert updated["total_playtime_seconds"] == ended["total_playtime_seconds"]
    assert updated["last_played_at"] == ended["end_time"]


@pytest.fixture
async def working(house: House) -> Any:
    """Let the jobs be worked."""
    await house.start("work")
    yield
    await house.stop("work")


@pytest.mark.usefixtures("working")
async def test_a_refund_ends_the_session(
    rest: Rest, payments: Payments, played: Tail, announced: Tail, report: Report
) -> None:
    player = derived("user", "is refunded while he plays")
    purchase = await buys(player, "to be refunded", rest, payments)
    start = {"game_id": str(GAME.game_id), "device_id": "deck"}
    begun = (await rest.post(f"{PLAYTIME}/start", start, user=player)).json()["data"]

    await payments.publish(refund_of(purchase))

    async def told() -> list[Published]:
        return [each for each in played.of(player) if each.type == "library.session.ended"]

    [over] = await until(told, within=15, what="the session is over")
    refused = (await rest.post(f"{PLAYTIME}/start", start, user=player)).json()["error"]
    alive = await rest.post(f"{PLAYTIME}/heartbeat", {"session_id": begun["session_id"]}, user=player)
    withdrawn = next(each for each in announced.of(player) if each.type == "library.game.access_revoked")
    waited = datetime.fromisoformat(over.event["timestamp"]) - datetime.fromisoformat(
        withdrawn.event["timestamp"]
    )
    report(f"the session ended {waited / timedelta(milliseconds=1):.0f} ms after access was withdrawn")
    assert waited < timedelta(seconds=1)
    fits_its_schema(over)
    assert (over.data["reason"], over.data["session_id"]) == ("access_revoked", begun["session_id"])
    assert (refused["code"], refused["details"]["reason"]) == ("FORBIDDEN", "revoked")
    assert (alive.status_code, alive.json()["error"]["details"]["reason"]) == (409, "access_revoked")
