"""The library over REST: a page, one game, in both spellings (contract 2)."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from builders import NOON, a_dlc, a_game, a_grant, game_id, user_id
from component.api.door import LIBRARY, World, bearer, data, refusal

from library_domain.library.model import AcquisitionType


class TestList:
    @pytest.mark.parametrize("path", [LIBRARY, f"{LIBRARY}/"])
    async def test_shows_the_games_by_name(self, world: World, client: httpx2.AsyncClient, path: str) -> None:
        world.own(a_game("Portal 2"))
        world.own(a_game("Braid"))

        page = data(await client.get(path, headers=bearer()))

        assert [item["name"] for item in page.pop("items")] == ["Braid", "Portal 2"]
        assert page == {"total": 2, "limit": 20, "offset": 0, "next_cursor": None}

    async def test_an_item_has_every_published_member(self, world: World, client: httpx2.AsyncClient) -> None:
        world.own(a_game("Portal 2", cover_url="https://cdn.test/portal.jpg"))
        world.own(a_dlc("Peer Review", of="Portal 2", size_required=7))

        (item,) = data(await client.get(LIBRARY, headers=bearer()))["items"]

        assert item.pop("id")
        assert item == {
            "user_id": str(user_id("alice")),
            "game_id": str(game_id("Portal 2")),
            "name": "Portal 2",
            "product_type": "game",
            "acquisition_type": "purchase",
            "acquisition_date": "2026-11-23T12:00:00Z",
            "is_hidden": False,
            "is_favorite": False,
            "last_played_at": None,
            "total_playtime_seconds": 0,
            "installation_status": "not_installed",
            "installed": False,
            "size_installed": None,
            "platform": None,
            "platforms": ["windows", "linux"],
            "categories": [],
            "dlc": [
                {
                    "dlc_id": str(game_id("Peer Review")),
                    "name": "Peer Review",
                    "installed": False,
                    "size_installed": None,
                    "size_required": 7,
                }
            ],
            "family_shared": False,
            "owner_id": None,
            "notes": None,
            "cover_url": "https://cdn.test/portal.jpg",
            "created_at": "2026-11-23T12:00:00Z",
            "updated_at": "2026-11-23T12:00:00Z",
        }

    async def test_limit_and_offset_choose_a_part(self, world: World, client: httpx2.AsyncClient) -> None:
        for name in ("a", "b", "c"):
            world.own(a_game(name))

        page = data(await client.get(LIBRARY, params={"limit": 1, "offset": 1}, headers=bearer()))

        assert [item["name"] for item in page.pop("items")] == ["b"]
        assert page.pop("next_cursor")
        assert page == {"total": 3, "limit": 1, "offset": 1}

    async def test_an_empty_library_is_a_page_too(self, client: httpx2.AsyncClient) -> None:
        page = data(await client.get(LIBRARY, headers=bearer()))

        assert page == {"items": [], "total": 0, "limit": 20, "offset": 0, "next_cursor": None}

    async def test_shows_nothing_of_anybody_else(self, world: World, client: httpx2.AsyncClient) -> None:
        world.own(a_game("Portal 2"), by="bob")

        page = data(await client.get(LIBRARY, headers=bearer("alice")))

        assert page["items"] == []

    async def test_keeps_cyrillic_names_as_they_are(self, world: World, client: httpx2.AsyncClient) -> None:
        world.own(a_game("Космические рейнджеры"))

        response = await client.get(LIBRARY, headers=bearer())

        assert "Космические рейнджеры" in response.text


class TestItem:
    @pytest.mark.parametrize("base", [LIBRARY, f"{LIBRARY}/games"])
    async def test_shows_everything_of_one_game(
        self, world: World, client: httpx2.AsyncClient, base: str
    ) -> None:
        world.own(a_game("Portal 2"))

        item = data(await client.get(f"{base}/{game_id('Portal 2')}", headers=bearer()))

        assert item["name"] == "Portal 2"
        assert item["size_required"] == 12_000_000_000
        assert (item["version"], item["developer"]) == ("2.1.5", "Valve")
        assert (item["install_path"], item["devices"], item["launch_options"]) == (None, [], [])
        assert item["access"] == {
            "allowed": True,
            "via": "owned",
            "reason": None,
            "expires_at": None,
            "owner_id": None,
        }

    async def test_says_until_when_a_subscription_gives_access(
        self, world: World, client: httpx2.AsyncClient
    ) -> None:
        right = a_grant(AcquisitionType.SUBSCRIPTION, expires_at=NOON + timedelta(days=1))
        world.own(a_game("Portal 2"), grant=right)

        item = data(await client.get(f"{LIBRARY}/{game_id('Portal 2')}", headers=bearer()))

        assert (item["access"]["via"], item["access"]["expires_at"]) == (
            "subscription",
            "2026-11-24T12:00:00Z",
        )

    async def test_says_why_a_game_may_not_be_played(self, world: World, client: httpx2.AsyncClient) -> None:
        right = a_grant(AcquisitionType.SUBSCRIPTION, expires_at=NOON + timedelta(seconds=1))
        world.own(a_game("Portal 2"), grant=right)
        world.clock.advance(timedelta(seconds=1))

        item = data(await client.get(f"{LIBRARY}/{game_id('Portal 2')}", headers=bearer()))

        assert (item["access"]["allowed"], item["access"]["reason"]) == (False, "expired")

    @pytest.mark.parametrize("spell", [str, lambda game: str(game).upper(), lambda game: game.hex])
    async def test_takes_an_id_in_any_spelling_of_a_uuid(
        self, world: World, client: httpx2.AsyncClient, spell: Callable[[UUID], str]
    ) -> None:
        world.own(a_game("Portal 2"))

        response = await client.get(f"{LIBRARY}/{spell(game_id('Portal 2'))}", headers=bearer())

        assert data(response)["game_id"] == str(game_id("Portal 2"))

    @pytest.mark.parametrize("base", [LIBRARY, f"{LIBRARY}/games"])
    @pytest.mark.parametrize(
        "text", ["abc", "0", "00000000-0000-0000-0000-00000000000g", "%00", "%FF", "игра"]
    )
    async def test_what_is_no_uuid_is_no_game(self, client: httpx2.AsyncClient, base: str, text: str) -> None:
        status, code, details = refusal(await client.get(f"{base}/{text}", headers=bearer()))

        assert (status, code) == (404, "GAME_NOT_FOUND")
        assert details["game_id"]

    async def test_anothers_game_is_like_one_that_does_not_exist(
        self, world: World, client: httpx2.AsyncClient
    ) -> None:
        world.own(a_game("Portal 2"), by="bob")

        headers = bearer("alice") | {"X-Request-ID": "the-same"}

        others = await client.get(f"{LIBRARY}/{game_id('Portal 2')}", headers=headers)
        absent = await client.get(f"{LIBRARY}/{game_id('No such game')}", headers=headers)

        assert others.status_code == absent.status_code == 404
        del others.headers["RateLimit-Remaining"], absent.headers["RateLimit-Remaining"]
        assert others.headers == absent.headers
        assert others.text.replace(str(game_id("Portal 2")), str(game_id("No such game"))) == absent.text


class TestStrictness:
    """Query parameters are what the specification says and nothing else (reliability, row 9)."""

    @pytest.mark.parametrize("path", [LIBRARY, f"{LIBRARY}/{game_id('Portal 2')}", "/schema"])
    async def test_an_unknown_parameter_is_refused_by_name(
        self, client: httpx2.AsyncClient, path: str
    ) -> None:
        response = await client.get(path, params={"surprise": "1"}, headers=bearer())

        assert refusal(response) == (
            400,
            "VALIDATION_ERROR",
            {"field": "surprise", "reason": "unknown_parameter"},
        )

    @pytest.mark.parametrize("name", ["limit", "offset"])
    async def test_a_repeated_parameter_is_refused(self, client: httpx2.AsyncClient, name: str) -> None:
        response = await client.get(LIBRARY, params=[(name, "1"), (name, "1")], headers=bearer())

        assert refusal(response) == (400, "VALIDATION_ERROR", {"field": name, "reason": "repeated"})

    @pytest.mark.parametrize("name", ["limit", "offset"])
    @pytest.mark.parametrize(
        "value",
        ["abc", "1.0", "1e1", "", " 1", "+1", "1_0", "01", "0x10", "true", "null", "١", "1\0", "9" * 5000],
    )
    async def test_what_is_no_integer_is_refused(
        self, client: httpx2.AsyncClient, name: str, value: str
    ) -> None:
        status, code, details = refusal(await client.get(LIBRARY, params={name: value}, headers=bearer()))

        assert (status, code, details["field"]) == (400, "VALIDATION_ERROR", name)

    @pytest.mark.parametrize(
        ("name", "value", "minimum", "maximum"),
        [
            ("limit", 0, 1, 100),
            ("limit", 101, 1, 100),
            ("limit", -1, 1, 100),
            ("limit", 2**64, 1, 100),
            ("offset", -1, 0, 10_000),
            ("offset", 10_001, 0, 10_000),
        ],
    )
    async def test_a_number_out_of_bounds_is_refused_with_them(
        self, client: httpx2.AsyncClient, name: str, value: int, minimum: int, maximum: int
    ) -> None:
        response = await client.get(LIBRARY, params={name: value}, headers=bearer())

        assert refusal(response) == (
            400,
            "VALIDATION_ERROR",
            {"field": name, "reason": "out_of_range", "minimum": minimum, "maximum": maximum},
        )

    async def test_a_name_is_not_repeated_at_any_length(self, client: httpx2.AsyncClient) -> None:
        _, _, details = refusal(await client.get(LIBRARY, params={"x" * 1000: "1"}, headers=bearer()))

        assert details["field"] == "x" * 64
