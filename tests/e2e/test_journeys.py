"""One purchase through the whole house: in by Kafka, out by REST, gRPC and Kafka."""

import re
from datetime import datetime
from typing import Any

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from httpx2 import Response

from e2e.doors import BASE, Grpc, Payments, Rest, Tail
from e2e.house import House
from e2e.purchases import BOUGHT_AT, Purchase, derived, games, games_with_dlc

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
GAME = games()[0]


def is_moment(text: str, moment: datetime) -> bool:
    """Tell whether the text is this moment as we write moments: RFC 3339 in UTC with a Z."""
    return text.endswith("Z") and datetime.fromisoformat(text) == moment


async def test_a_purchase_becomes_a_game_in_the_list_and_an_item_of_its_own(
    rest: Rest, payments: Payments
) -> None:
    buyer = derived("user", "reads his library")
    purchase = Purchase(about="to be read", user=buyer, game=GAME.game_id)

    await payments.publish(purchase.event())

    item = await rest.wait_for(buyer, GAME.game_id)
    page = (await rest.page(buyer)).json()
    assert (page["status"], page["error"]) == ("success", None)
    assert (page["data"]["total"], page["data"]["limit"], page["data"]["offset"]) == (1, 100, 0)
    [listed] = page["data"]["items"]
    assert listed == {name: item[name] for name in listed}
    assert (item["name"], item["product_type"], item["acquisition_type"]) == (GAME.title, "game", "purchase")
    assert (item["user_id"], item["game_id"]) == (str(buyer), str(GAME.game_id))
    assert is_moment(item["acquisition_date"], BOUGHT_AT)
    assert item["access"]["allowed"] is True


async def test_a_purchase_gives_access_and_ownership_over_grpc(
    rest: Rest, grpc: Grpc, payments: Payments
) -> None:
    buyer = derived("user", "is asked about")
    before = await grpc.access(buyer, GAME.game_id)

    await payments.publish(Purchase(about="to be asked about", user=buyer, game=GAME.game_id).event())
    await rest.wait_for(buyer, GAME.game_id)

    access = await grpc.access(buyer, GAME.game_id)
    ownership = await grpc.ownership(buyer, GAME.game_id)
    assert (before.has_access, before.reason) == (False, "not_owned")
    assert (access.has_access, access.access_type, access.reason) == (True, "owned", "")
    assert (ownership.owned, ownership.ownership_type) == (True, "purchased")
    assert ownership.purchase_date == BOUGHT_AT
    assert ownership.dlc_owned == []


async def test_a_purchase_is_announced_with_everything_that_was_promised(
    payments: Payments, announced: Tail
) -> None:
    buyer = derived("user", "is announced")
    purchase = Purchase(about="to be announced", user=buyer, game=GAME.game_id)

    await payments.publish(purchase.event(), traceparent=TRACEPARENT)

    [record] = await announced.wait_for(buyer)
    event = record.event
    assert record.raw.key == str(buyer).encode()
    assert record.headers.keys() >= {
        "ce_id",
        "ce_type",
        "ce_source",
        "ce_time",
        "ce_specversion",
        "id",
        "traceparent",
    }
    assert record.headers["ce_id"] == record.headers["id"] == event["event_id"]
    assert record.headers["ce_type"] == event["event_type"] == "library.game.added"
    assert record.headers["ce_source"] == event["source"] == event["producer"] == "library-service"
    assert record.headers["ce_time"] == event["timestamp"]
    assert record.headers["ce_specversion"] == "1.0"
    assert re.fullmatch(rf"00-{TRACE_ID}-[0-9a-f]{{16}}-01", record.headers["traceparent"])
    assert record.headers["traceparent"] != TRACEPARENT  # the parent is our own span, not Payment's
    assert (event["subject"], event["version"], event["data_content_type"]) == (
        str(buyer),
        "1.0",
        "application/json",
    )
    assert event["sequence"] == {"revision": 1, "n": 0}
    acquired = event["data"].pop("acquisition_date")
    assert is_moment(acquired, BOUGHT_AT)
    assert event["data"] == {
        "user_id": str(buyer),
        "game_id": str(GAME.game_id),
        "game_name": GAME.title,
        "product_type": "game",
        "acquisition_type": "purchase",
        "transaction_id": purchase.transaction_id,
        "purchase_type": "direct",
        "price": {"amount": 499.00, "currency": "RUB"},
        "gifted_by": None,
        "dlc": [],
    }
    assert b'"amount":499.00' in (record.raw.value or b"")


async def test_the_same_event_again_changes_and_announces_nothing(
    house: House, rest: Rest, payments: Payments, announced: Tail
) -> None:
    buyer = derived("user", "is told twice")
    first = Purchase(about="told twice", user=buyer, game=GAME.game_id)
    last = Purchase(about="told after it", user=buyer, game=games()[1].game_id)
    await payments.publish(first.event())
    before = await rest.wait_for(buyer, first.game)

    await payments.publish(first.event())
    await payments.publish(first.event(repetition=1))
    await payments.publish(last.event())

    # The last one shares a partition with the repetitions: once it is there, they were there.
    records = await announced.wait_for(buyer, count=2)
    assert [(each.type, each.data["game_id"]) for each in records] == [
        ("library.game.added", str(first.game)),
        ("library.game.added", str(last.game)),
    ]
    assert await rest.wait_for(buyer, first.game) == before
    assert await house.count("library_grants", [buyer]) == 2


async def test_a_purchase_with_dlc_shows_them_under_their_game(
    rest: Rest, grpc: Grpc, payments: Payments, announced: Tail
) -> None:
    base, dlc = games_with_dlc()[0]
    buyer = derived("user", "buys a bundle")

    await payments.publish(
        Purchase(about="bundle", user=buyer, game=base.game_id, dlc=(dlc.game_id,)).event()
    )

    item = await rest.wait_for(buyer, base.game_id)
    page = (await rest.page(buyer)).json()["data"]
    [record] = await announced.wait_for(buyer)
    assert [(each["dlc_id"], each["name"]) for each in item["dlc"]] == [(str(dlc.game_id), dlc.title)]
    assert ([each["game_id"] for each in page["items"]], page["total"]) == ([str(base.game_id)], 1)
    assert record.data["dlc"] == [str(dlc.game_id)]
    assert (await grpc.ownership(buyer, base.game_id)).dlc_owned == [str(dlc.game_id)]
    assert (await grpc.access(buyer, dlc.game_id)).has_access


async def test_a_dlc_bought_alone_waits_for_its_game(
    rest: Rest, grpc: Grpc, payments: Payments, announced: Tail
) -> None:
    base, dlc = games_with_dlc()[1]
    buyer = derived("user", "buys a DLC first")
    await payments.publish(
        Purchase(about="DLC alone", user=buyer, game=dlc.game_id, product_type="dlc").event()
    )
    await rest.wait_for(buyer, dlc.game_id)
    without_base = (await rest.page(buyer)).json()["data"]
    refused = await grpc.access(buyer, dlc.game_id)

    await payments.publish(Purchase(about="its game later", user=buyer, game=base.game_id).event())
    item = await rest.wait_for(buyer, base.game_id)

    records = await announced.wait_for(buyer, count=2)
    assert (without_base["items"], without_base["total"]) == ([], 0)
    assert (refused.has_access, refused.reason) == (False, "base_game_missing")
    assert [each["dlc_id"] for each in item["dlc"]] == [str(dlc.game_id)]
    assert (await grpc.access(buyer, dlc.game_id)).has_access
    assert [each.data["product_type"] for each in records] == ["dlc", "game"]


async def test_a_gift_names_its_giver(rest: Rest, grpc: Grpc, payments: Payments, announced: Tail) -> None:
    giver, receiver = derived("user", "gives"), derived("user", "is given")
    gift = Purchase(about="gift", user=receiver, game=GAME.game_id, purchase_type="gift", gifted_by=giver)

    await payments.publish(gift.event())

    item = await rest.wait_for(receiver, GAME.game_id)
    [record] = await announced.wait_for(receiver)
    assert item["acquisition_type"] == "gift"
    assert (await grpc.ownership(receiver, GAME.game_id)).ownership_type == "gifted"
    assert (record.data["gifted_by"], record.data["purchase_type"]) == (str(giver), "gift")
    assert (await rest.item(giver, GAME.game_id)).status_code == 404


async def test_a_game_that_catalog_does_not_know_is_added_without_a_name(
    house: House, rest: Rest, payments: Payments, announced: Tail
) -> None:
    buyer, game = derived("user", "buys the unknown"), derived("game", "of no catalog")

    await payments.publish(Purchase(about="unknown game", user=buyer, game=game).event())

    item = await rest.wait_for(buyer, game)
    [record] = await announced.wait_for(buyer)
    jobs = await house.rows("SELECT kind, state FROM jobs WHERE key = %(key)s", {"key": str(game)})
    assert (item["name"], record.data["game_name"]) == (None, None)
    assert jobs == [{"kind": "catalog.fetch_metadata", "state": "waiting"}]


class TestRefusals:
    """What a client sees that asks wrongly, in the language that it asked for."""

    BUYER = derived("user", "asks wrongly")

    @pytest.mark.parametrize(
        ("language", "served", "message"),
        [
            (None, "ru", "Игры нет в библиотеке."),
            ("en-GB,en;q=0.9", "en", "The game is not in the library."),
            ("de,fr;q=0.5", "ru", "Игры нет в библиотеке."),
        ],
    )
    async def test_a_game_that_is_not_there_is_404(
        self, rest: Rest, language: str | None, served: str, message: str
    ) -> None:
        answer = await rest.get(f"{BASE}/{GAME.game_id}", user=self.BUYER, language=language)

        self.assert_refused(answer, 404, "GAME_NOT_FOUND")
        assert (answer.headers["content-language"], answer.json()["error"]["message"]) == (served, message)

    async def test_a_path_without_uuid_is_the_same_404(self, rest: Rest) -> None:
        self.assert_refused(await rest.get(f"{BASE}/no-uuid", user=self.BUYER), 404, "GAME_NOT_FOUND")

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("offset=-1", "offset"),
            ("limit=x", "limit"),
            ("q2=1", "q2"),
        ],
    )
    async def test_a_bad_parameter_is_400_and_named(self, rest: Rest, query: str, field: str) -> None:
        answer = await rest.get(f"{BASE}?{query}", user=self.BUYER, language="en")

        self.assert_refused(answer, 400, "VALIDATION_ERROR")
        assert answer.json()["error"]["details"]["field"] == field

    async def test_another_users_game_looks_like_none(self, rest: Rest, payments: Payments) -> None:
        owner = derived("user", "owns what another asks for")
        await payments.publish(Purchase(about="private", user=owner, game=GAME.game_id).event())
        await rest.wait_for(owner, GAME.game_id)

        foreign = await rest.item(self.BUYER, GAME.game_id)
        absent = await rest.item(self.BUYER, derived("game", "absent"))

        self.assert_refused(foreign, 404, "GAME_NOT_FOUND")
        assert foreign.json()["error"].keys() == absent.json()["error"].keys()

    @staticmethod
    def assert_refused(answer: Response, status: int, code: str) -> None:
        body = answer.json()
        assert (answer.status_code, body["status"], body["data"]) == (status, "error", None)
        assert body["error"]["code"] == code
        assert body["error"].keys() == {"code", "message", "details"}
        assert answer.headers["x-request-id"]


class TestTokens:
    """Who comes without a good token learns nothing."""

    USER = derived("user", "has a bad token")

    def bad(self, house: House, fault: str) -> str | None:
        mint = house.issuer.mint
        tokens: dict[str, Any] = {
            "none": None,
            "no token at all": "not.a.token",
            "expired": mint(self.USER, ttl_seconds=-120),
            "of another issuer": mint(self.USER, iss="https://elsewhere.test"),
            "for another service": mint(self.USER, aud="payment-service"),
            "of an unknown key": mint(self.USER, header={"kid": "unknown"}),
            "without key": mint(self.USER, header={"kid": None}),
            "for no user": mint("nobody"),
            "tampered": mint(self.USER)[:-6] + "AAAAAA",
        }
        token: str | None = tokens[fault]
        return token

    @pytest.mark.parametrize(
        "fault",
        [
            "none",
            "no token at all",
            "expired",
            "of another issuer",
            "for another service",
            "of an unknown key",
            "without key",
            "for no user",
            "tampered",
        ],
    )
    async def test_a_bad_token_is_401_over_rest_and_unauthenticated_over_grpc(
        self, house: House, rest: Rest, grpc: Grpc, fault: str
    ) -> None:
        token = self.bad(house, fault)

        answer = await rest.get(BASE, token=token, language="en")
        with pytest.raises(GRPCError) as refused:
            await grpc.access(self.USER, GAME.game_id, token=token or "")

        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["error"]["details"] == {}
        assert refused.value.status is Status.UNAUTHENTICATED

    @pytest.mark.parametrize(
        ("roles", "status"),
        [("system", 403), ("unheard-of", 403), (["user", "system"], 401), (["support"], 200), ("admin", 200)],
    )
    async def test_roles_decide_over_rest(self, house: House, rest: Rest, roles: Any, status: int) -> None:
        answer = await rest.get(BASE, token=house.issuer.mint(self.USER, roles))

        assert answer.status_code == status

    @pytest.mark.parametrize("role", ["user", "support", "admin", "moderator", "developer", "publisher"])
    async def test_grpc_is_for_system_alone(self, house: House, grpc: Grpc, role: str) -> None:
        with pytest.raises(GRPCError) as refused:
            await grpc.access(self.USER, GAME.game_id, token=house.issuer.mint(self.USER, role))

        assert refused.value.status is Status.PERMISSION_DENIED

    async def test_a_query_that_is_no_uuid_is_invalid_and_named(self, grpc: Grpc) -> None:
        with pytest.raises(GRPCError) as refused:
            await grpc.access("no-uuid", GAME.game_id)  # type: ignore[arg-type]  # what a careless caller sends

        assert refused.value.status is Status.INVALID_ARGUMENT
        assert "user_id" in (refused.value.message or "")
