"""What the sessions' endpoints take and refuse (contract 1 and 4.2; details 2.2 and 3.4)."""

from typing import Any

import httpx2
import pytest
from builders import a_game, user_id
from component.api.door import LIBRARY, World, data, refusal
from component.api.playing import ABSENT, DEVICE, PLAYTIME, STARTS, Player, beginning


@pytest.fixture
def alice(world: World, client: httpx2.AsyncClient) -> Player:
    world.own(a_game("Portal 2"))
    return Player(client, world)


class TestStart:
    @pytest.mark.parametrize("members", [{"client_id": "pc"}, {"client_id": "pc", "device_id": "pc"}])
    @pytest.mark.parametrize("path", STARTS)
    async def test_takes_the_device_by_either_name(
        self, alice: Player, path: str, members: dict[str, str]
    ) -> None:
        body = {name: value for name, value in beginning(path).items() if name != "device_id"}

        assert data(await alice.post(path, body | members))["device_id"] == "pc"

    @pytest.mark.parametrize(
        "told", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-23T15:00:00+03:00"]
    )
    async def test_takes_any_time_of_the_client_and_trusts_none(self, alice: Player, told: str) -> None:
        started = data(await alice.start(client_timestamp=told))

        assert started["start_time"] == "2026-11-23T12:00:00Z"

    @pytest.mark.parametrize("path", STARTS)
    @pytest.mark.parametrize(
        ("members", "field"),
        [
            ({"device_id": None}, "device_id"),
            ({"device_id": ""}, "device_id"),
            ({"device_id": "x" * 101}, "device_id"),
            ({"device_id": 1}, "device_id"),
            ({"device_id": "a\u0000"}, "device_id"),
            ({"client_id": "another"}, "client_id"),
            ({"platform": "amiga"}, "platform"),
            ({"game_version": "x" * 51}, "game_version"),
            ({"client_timestamp": "2026-11-23T12:00:00"}, "client_timestamp"),
            ({"client_timestamp": "yesterday"}, "client_timestamp"),
            ({"client_timestamp": 1_700_000_000}, "client_timestamp"),
            ({"takeover": "true"}, "takeover"),
            ({"user_id": str(user_id("bob"))}, "user_id"),
        ],
    )
    async def test_names_what_is_wrong(
        self, alice: Player, path: str, members: dict[str, Any], field: str
    ) -> None:
        status, code, details = refusal(await alice.post(path, beginning(path, **members)))

        assert (status, code, details["field"]) == (400, "VALIDATION_ERROR", field)

    @pytest.mark.parametrize(
        ("members", "expected"),
        [
            ({"game_id": "abc"}, "UUID"),
            ({"client_timestamp": "yesterday"}, "RFC 3339"),
            ({"platform": "amiga"}, "one of the values that the specification lists"),
        ],
    )
    async def test_says_what_would_be_right(
        self, alice: Player, members: dict[str, Any], expected: str
    ) -> None:
        path = f"{PLAYTIME}/start"

        details = refusal(await alice.post(path, beginning(path, **members)))[2]

        assert details == {"field": next(iter(members)), "reason": "invalid", "expected": expected}

    @pytest.mark.parametrize("path", STARTS)
    async def test_needs_a_device(self, alice: Player, path: str) -> None:
        body = {name: value for name, value in beginning(path).items() if name != "device_id"}

        assert refusal(await alice.post(path, body)) == (
            400,
            "VALIDATION_ERROR",
            {"field": "device_id", "reason": "missing"},
        )

    @pytest.mark.parametrize("game", ["abc", "", None])
    async def test_needs_a_game(self, alice: Player, game: str | None) -> None:
        response = await alice.post(f"{PLAYTIME}/start", {"game_id": game, "device_id": DEVICE})

        assert refusal(response)[2]["field"] == "game_id"

    async def test_of_what_is_no_game_is_not_found(self, alice: Player) -> None:
        response = await alice.post(f"{LIBRARY}/games/abc/session/start", {"device_id": DEVICE})

        assert refusal(response) == (404, "GAME_NOT_FOUND", {"game_id": "abc"})


class TestHeartbeat:
    @pytest.mark.parametrize(
        ("members", "field"),
        [
            ({"session_id": "sess_1"}, "session_id"),
            ({"idle_seconds": -1}, "idle_seconds"),
            ({"idle_seconds": 2**31}, "idle_seconds"),
            ({"idle_seconds": 1.5}, "idle_seconds"),
            ({"idle_seconds": "1"}, "idle_seconds"),
            ({"suspended_seconds": True}, "suspended_seconds"),
            ({"device_id": DEVICE}, "device_id"),
        ],
    )
    async def test_names_what_is_wrong(self, alice: Player, members: dict[str, Any], field: str) -> None:
        body = {"session_id": ABSENT} | members

        status, code, details = refusal(await alice.post(f"{PLAYTIME}/heartbeat", body))

        assert (status, code, details["field"]) == (400, "VALIDATION_ERROR", field)

    async def test_counts_in_the_rate_limits_longest_window_alone(self, alice: Player) -> None:
        session = await alice.session()
        before = alice.world.limits.bursts.total()

        await alice.beat(session)

        assert alice.world.limits.bursts.total() == before + 1


class TestEnd:
    async def test_of_what_is_no_game_is_not_found(self, alice: Player) -> None:
        response = await alice.post(f"{LIBRARY}/games/abc/session/end", {"session_id": ABSENT})

        assert refusal(response)[:2] == (404, "GAME_NOT_FOUND")

    @pytest.mark.parametrize(
        ("members", "field"),
        [
            ({"session_id": None}, "session_id"),
            ({"session_id": "sess_12345_20250522083000"}, "session_id"),
            ({"client_id": "a", "device_id": "b"}, "client_id"),
            ({"client_timestamp": "2026-11-23"}, "client_timestamp"),
            ({"duration_seconds": 3600}, "duration_seconds"),
        ],
    )
    async def test_names_what_is_wrong(self, alice: Player, members: dict[str, Any], field: str) -> None:
        response = await alice.post(f"{PLAYTIME}/end", {"session_id": ABSENT} | members)

        assert refusal(response)[2]["field"] == field
