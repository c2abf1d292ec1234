"""How sessions begin (contract 4.2; details 3.5 and 3.8), over the real database and a clock of our own."""

from datetime import timedelta
from uuid import UUID

import pytest
from builders import NOON, a_purchase, a_refund, a_report, a_subscription, game_id, user_id
from component.api.door import data, refusal
from component.api.playing import DEVICE, GAME, STARTS, House, Player, beginning
from uuid_utils.compat import uuid7

from library_api.messages import PLAY_DENIED
from library_domain.catalog.model import Platform
from library_domain.library.use_cases.apply_subscription import ApplySubscription, ApplySubscriptionHandler
from library_domain.library.use_cases.change_subscription import ChangeSubscriptionHandler
from library_domain.library.use_cases.record_installation import (
    RecordInstallation,
    RecordInstallationHandler,
)
from library_domain.library.use_cases.refund_purchase import RefundPurchaseHandler
from library_domain.playtime.model import started_at


class TestStart:
    @pytest.mark.parametrize("path", STARTS)
    async def test_answers_the_session(self, alice: Player, path: str) -> None:
        alice.wait(milliseconds=12_345)

        response = await alice.post(path, beginning(path, platform="linux", game_version="2.1.5"))

        started = data(response)
        session = UUID(started.pop("session_id"))
        assert started == {
            "game_id": str(GAME),
            "start_time": "2026-11-23T12:00:12Z",
            "status": "active",
            "resumed": False,
            "device_id": DEVICE,
            "platform": "linux",
            "next_heartbeat_in_seconds": 60,
        }
        assert started_at(session) == NOON + timedelta(seconds=12)

    async def test_on_the_same_device_goes_on(self, alice: Player) -> None:
        session = await alice.session()
        alice.wait(minutes=2)

        again = data(await alice.start())

        assert (again["session_id"], again["resumed"]) == (session, True)
        assert again["start_time"] == "2026-11-23T12:00:00Z"

    async def test_counts_as_a_sign_of_life_of_what_goes_on(self, alice: Player) -> None:
        session = await alice.session()
        for _ in range(3):
            alice.wait(seconds=170)
            await alice.start()

        assert data(await alice.beat(session))["played_seconds"] == 510

    async def test_on_another_device_is_refused(self, alice: Player) -> None:
        session = await alice.session()

        assert refusal(await alice.start(device="laptop")) == (
            409,
            "SESSION_ALREADY_ACTIVE",
            {"session_id": session, "device_id": DEVICE, "start_time": "2026-11-23T12:00:00Z"},
        )

    async def test_on_another_device_takes_over_when_told_to(self, alice: Player) -> None:
        first = await alice.session()
        alice.wait(seconds=100)

        second = await alice.session(device="laptop", takeover=True)

        (ended,) = (await alice.sessions())["items"]
        assert (ended["id"], ended["end_reason"], ended["duration_seconds"]) == (first, "taken_over", 100)
        (running,) = (await alice.sessions("active=true"))["items"]
        assert (running["id"], running["device_id"]) == (second, "laptop")

    async def test_ends_what_has_been_silent(self, alice: Player) -> None:
        first = await alice.session()
        alice.wait(seconds=60)
        await alice.beat(first)
        alice.wait(seconds=181)

        await alice.session(device="laptop")

        (ended,) = (await alice.sessions())["items"]
        assert (ended["id"], ended["end_reason"], ended["end_time"]) == (
            first,
            "timeout",
            "2026-11-23T12:01:00Z",
        )

    async def test_of_different_games_are_different_sessions(self, alice: Player) -> None:
        await alice.session("Portal 2")
        await alice.session("Braid")

        assert (await alice.sessions("active=true"))["total"] == 2

    async def test_knows_what_the_device_is(self, alice: Player, home: House) -> None:
        told = RecordInstallation(
            user_id=user_id("alice"),
            game_id=game_id("Braid"),
            report=a_report(device_id=DEVICE, platform=Platform.MACOS),
        )
        await RecordInstallationHandler(uow=home.world.uow, clock=home.world.clock)(told)

        assert data(await alice.start())["platform"] == "macos"
        assert data(await alice.start("Braid", "laptop"))["platform"] is None


class TestRefusedStart:
    async def test_of_a_game_that_one_never_had_is_not_found(self, home: House) -> None:
        bob = home.player("bob")

        assert refusal(await bob.start()) == (404, "GAME_NOT_FOUND", {"game_id": str(GAME)})

    async def test_of_a_refunded_game_is_forbidden(self, alice: Player, home: House) -> None:
        await home.add(a_purchase("Fez", transaction_id="txn-fez"))
        refund = RefundPurchaseHandler(uow=home.world.uow, clock=home.world.clock)
        await refund(a_refund("txn-fez"))

        assert refusal(await alice.start("Fez")) == (
            403,
            "FORBIDDEN",
            {"game_id": str(game_id("Fez")), "reason": "revoked"},
        )

    async def test_of_a_refunded_game_blames_the_game_and_not_the_player(
        self, alice: Player, home: House
    ) -> None:
        await home.add(a_purchase("Fez", transaction_id="txn-fez"))
        refund = RefundPurchaseHandler(uow=home.world.uow, clock=home.world.clock)
        await refund(a_refund("txn-fez"))

        response = await alice.start("Fez")

        assert response.json()["error"]["message"] == PLAY_DENIED["ru"]

    async def test_of_what_ran_out_is_forbidden(self, alice: Player, home: House) -> None:
        ports = {"uow": home.world.uow, "clock": home.world.clock}
        await ChangeSubscriptionHandler(**ports)(
            a_subscription("Fez", subscription_id="s-1", expires_at=NOON + timedelta(hours=1))
        )
        await ApplySubscriptionHandler(**ports, ids=home.world.ids)(
            ApplySubscription(user_id=user_id("alice"), subscription_id="s-1")
        )
        alice.wait(hours=1)

        status, code, details = refusal(await alice.start("Fez"))
        assert (status, code, details["reason"]) == (403, "FORBIDDEN", "expired")

    async def test_of_a_dlc_names_the_game(self, alice: Player, home: House) -> None:
        await home.add(a_purchase("Portal 2", dlc=(game_id("Peer Review"),)))

        assert refusal(await alice.start("Peer Review")) == (
            400,
            "VALIDATION_ERROR",
            {"field": "game_id", "reason": "dlc"},
        )

    async def test_of_a_copy_that_somebody_plays_tells_who(self, alice: Player, home: House) -> None:
        await home.rows(
            "INSERT INTO copy_leases (user_id, game_id, session_id, player_id, since) VALUES (%s, %s, %s, %s, %s)",
            *(user_id("alice"), GAME, uuid7(), user_id("bob"), NOON),
        )

        assert refusal(await alice.start()) == (
            409,
            "GAME_IN_USE",
            {"in_use_by": {"user_id": str(user_id("bob")), "since": "2026-11-23T12:00:00Z"}},
        )
        assert (await alice.sessions("active=true"))["items"] == []
