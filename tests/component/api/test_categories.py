"""Categories over REST, and the spec's own example of filing a game (contract 2; details 3.11; spec, API example 3)."""

from typing import Any

import httpx2
import pytest
from builders import a_game, game_id
from component.api.door import LIBRARY, World, bearer, data, refusal

CATEGORIES = f"{LIBRARY}/categories"
GAME = game_id("Portal 2")
FILING = f"{LIBRARY}/games/{GAME}/categories"


@pytest.fixture(autouse=True)
def a_library(world: World) -> None:
    world.own(a_game("Portal 2"))


async def create(client: httpx2.AsyncClient, name: str, **more: Any) -> httpx2.Response:
    return await client.post(CATEGORIES, json={"name": name, **more}, headers=bearer())


async def file(client: httpx2.AsyncClient, name: str) -> httpx2.Response:
    return await client.post(FILING, json={"category_name": name}, headers=bearer())


class TestCreate:
    async def test_answers_what_was_made_and_where(self, client: httpx2.AsyncClient) -> None:
        response = await create(client, "Стратегии", color="#3366cc")

        made = data(response, 201)
        assert response.headers["Location"] == f"{CATEGORIES}/{made['id']}"
        assert made == {
            "id": made["id"],
            "name": "Стратегии",
            "color": made["color"],
            "items_count": 0,
            "created_at": "2026-11-23T12:00:00Z",
            "updated_at": "2026-11-23T12:00:00Z",
        }
        assert made["color"].lower() == "#3366cc"

    @pytest.mark.parametrize("again", ["rpg", "RPG", " Rpg "])
    async def test_a_name_is_taken_in_any_case(self, client: httpx2.AsyncClient, again: str) -> None:
        await create(client, "RPG")

        assert refusal(await create(client, again))[:2] == (409, "CATEGORY_EXISTS")

    @pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "<b>", "a\tb", "🎮", "a" * 101])
    async def test_what_is_no_name_is_refused(self, client: httpx2.AsyncClient, name: str) -> None:
        status, code, details = refusal(await create(client, name))

        assert (status, code) == (400, "INVALID_CATEGORY")
        assert details["field"] == "name"
        assert details["reason"]

    @pytest.mark.parametrize("color", ["red", "#12", "#1234567", "#GGGGGG", "336699"])
    async def test_what_is_no_colour_is_refused(self, client: httpx2.AsyncClient, color: str) -> None:
        status, code, details = refusal(await create(client, "RPG", color=color))

        assert (status, code, details["field"]) == (400, "VALIDATION_ERROR", "color")

    async def test_there_is_an_end(self, client: httpx2.AsyncClient) -> None:
        for number in range(200):
            assert (await create(client, f"c{number}")).status_code == 201

        assert refusal(await create(client, "one more"))[:2] == (409, "LIMIT_REACHED")


class TestEditAndDelete:
    async def test_a_rename_keeps_id_and_games(self, client: httpx2.AsyncClient) -> None:
        made = data(await create(client, "RPG"), 201)
        await file(client, "RPG")

        response = await client.patch(
            f"{CATEGORIES}/{made['id']}", json={"name": "Ролевые"}, headers=bearer()
        )

        edited = data(response)
        assert (edited["id"], edited["name"], edited["items_count"]) == (made["id"], "Ролевые", 1)
        item = data(await client.get(f"{LIBRARY}/{GAME}", headers=bearer()))
        assert item["categories"] == ["Ролевые"]

    async def test_null_takes_the_colour_away(self, client: httpx2.AsyncClient) -> None:
        made = data(await create(client, "RPG", color="#336699"), 201)
        path = f"{CATEGORIES}/{made['id']}"

        kept = data(await client.patch(path, json={}, headers=bearer()))
        cleared = data(await client.patch(path, json={"color": None}, headers=bearer()))

        assert (kept["color"], cleared["color"]) == ("#336699", None)

    async def test_deleting_leaves_the_games(self, client: httpx2.AsyncClient) -> None:
        made = data(await create(client, "RPG"), 201)
        await file(client, "RPG")
        path = f"{CATEGORIES}/{made['id']}"

        gone = await client.delete(path, headers=bearer())
        again = await client.delete(path, headers=bearer())

        assert data(gone) is None
        assert refusal(again)[:2] == (404, "CATEGORY_NOT_FOUND")
        assert data(await client.get(f"{LIBRARY}/{GAME}", headers=bearer()))["categories"] == []

    @pytest.mark.parametrize("text", ["abc", "1", "00000000-0000-0000-0000-00000000000g"])
    async def test_what_is_no_id_is_no_category(self, client: httpx2.AsyncClient, text: str) -> None:
        response = await client.delete(f"{CATEGORIES}/{text}", headers=bearer())

        assert refusal(response) == (404, "CATEGORY_NOT_FOUND", {"category_id": text})


class TestFiling:
    async def test_twice_is_once(self, world: World, client: httpx2.AsyncClient) -> None:
        await file(client, "RPG")
        before = len(world.store.outbox)

        filed = data(await file(client, "rpg"))

        assert filed["categories"] == ["RPG"]
        assert len(world.store.outbox) == before

    async def test_out_again_by_name_in_any_case(self, client: httpx2.AsyncClient) -> None:
        await file(client, "Стратегии")

        responses = [await client.delete(f"{FILING}/стратегии", headers=bearer()) for _ in range(2)]

        assert [data(each) for each in responses] == [None, None]
        listed = data(await client.get(CATEGORIES, headers=bearer()))["items"]
        assert [(each["name"], each["items_count"]) for each in listed] == [("Стратегии", 0)]

    async def test_what_is_no_name_is_refused_by_the_name_of_the_member(
        self, client: httpx2.AsyncClient
    ) -> None:
        patch = {"categories": ["RPG", "..", "MMO"]}

        filed = await file(client, "a/b")
        patched = await client.patch(f"{LIBRARY}/{GAME}", json=patch, headers=bearer())

        assert refusal(filed)[2]["field"] == "category_name"
        assert refusal(patched)[:2] == (400, "INVALID_CATEGORY")
        assert refusal(patched)[2]["field"] == "categories[1]"

    async def test_out_of_what_is_no_category(self, client: httpx2.AsyncClient) -> None:
        response = await client.delete(f"{FILING}/nothing", headers=bearer())

        assert refusal(response)[:2] == (404, "CATEGORY_NOT_FOUND")

    async def test_there_is_an_end(self, client: httpx2.AsyncClient) -> None:
        for number in range(20):
            data(await file(client, f"c{number}"))

        assert refusal(await file(client, "one more"))[:2] == (409, "LIMIT_REACHED")


async def test_collections_count_what_they_show(client: httpx2.AsyncClient) -> None:
    collections = data(await client.get(f"{LIBRARY}/collections", headers=bearer()))["items"]

    assert [each["name"] for each in collections] == [
        "favorites",
        "recent",
        "installed",
        "unplayed",
        "shared",
        "hidden",
    ]
    for each in collections:
        page = data(await client.get(f"{LIBRARY}?collection={each['name']}", headers=bearer()))
        assert page["total"] == each["count"]


class TestAccess:
    async def test_tells_by_what_right(self, client: httpx2.AsyncClient) -> None:
        for base in (LIBRARY, f"{LIBRARY}/games"):
            assert data(await client.get(f"{base}/{GAME}/access", headers=bearer())) == {
                "allowed": True,
                "via": "owned",
                "reason": None,
                "expires_at": None,
                "owner_id": None,
                "in_use_by": None,
            }

    async def test_tells_why_not_of_any_game(self, client: httpx2.AsyncClient) -> None:
        access = data(await client.get(f"{LIBRARY}/{game_id('absent')}/access", headers=bearer()))

        assert (access["allowed"], access["reason"]) == (False, "not_owned")
