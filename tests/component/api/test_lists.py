"""Filters, order, cursors, `fields` and ETags of lists (contract 2, Lists and Conditional; details 3.9; data 15)."""

from typing import Any

import httpx2
import pytest
from builders import a_game, game_id
from component.api.door import LIBRARY, World, bearer, client_of, data, refusal
from prometheus_client import CollectorRegistry

from library_api.app import create_app
from library_domain.catalog.model import ProductType

NAMES = ("Ёж", "Braid", "fez", "Portal 2", "Абба")


@pytest.fixture(autouse=True)
def a_library(world: World) -> None:
    for name in NAMES:
        world.own(a_game(name))
    world.own(a_game("Editor", product_type=ProductType.APPLICATION))


async def listed(client: httpx2.AsyncClient, query: str = "", *, by: str = "alice") -> Any:
    return data(await client.get(f"{LIBRARY}?{query}", headers=bearer(by)))


async def names(client: httpx2.AsyncClient, query: str = "") -> list[str]:
    return [item["name"] for item in (await listed(client, query))["items"]]


async def edit(client: httpx2.AsyncClient, name: str, **changes: Any) -> None:
    data(await client.patch(f"{LIBRARY}/{game_id(name)}", json=changes, headers=bearer()))


class TestFilters:
    async def test_kinds_widen_each_other(self, client: httpx2.AsyncClient) -> None:
        assert await names(client, "filter=application") == ["Editor"]
        assert len(await names(client, "filter=application&filter=game")) == 6

    async def test_groups_narrow_each_other(self, client: httpx2.AsyncClient) -> None:
        await edit(client, "Braid", is_favorite=True)
        await edit(client, "Editor", is_favorite=True)

        assert await names(client, "filter=favorite&filter=game") == ["Braid"]
        assert await names(client, "filter=favorite&filter=installed") == []
        assert await names(client, "filter=favorite&filter=installed&filter=not_installed") == [
            "Braid",
            "Editor",
        ]

    async def test_hidden_games_are_shown_when_asked_for(self, client: httpx2.AsyncClient) -> None:
        await edit(client, "Braid", is_hidden=True)

        assert "Braid" not in await names(client)
        assert await names(client, "filter=hidden") == ["Braid"]
        assert len(await names(client, "include_hidden=true")) == 6
        assert len(await names(client, "include_hidden=false")) == 5

    async def test_a_category_is_asked_for_in_any_case(self, client: httpx2.AsyncClient) -> None:
        await edit(client, "Braid", categories=["Головоломки"])

        assert await names(client, "category=ГОЛОВОЛОМКИ") == ["Braid"]
        assert await names(client, "category=nothing") == []

    async def test_part_of_a_name_is_found_in_any_case(self, client: httpx2.AsyncClient) -> None:
        assert await names(client, "q=ORT") == ["Portal 2"]
        assert await names(client, "q=еж") == ["Ёж"]
        assert await names(client, "q=%25") == []
        assert await names(client, "q=_") == []

    async def test_a_collection_is_a_filter(self, client: httpx2.AsyncClient) -> None:
        await edit(client, "Braid", is_favorite=True)

        assert await names(client, "collection=favorites") == ["Braid"]
        assert len(await names(client, "collection=unplayed")) == 6

    async def test_the_total_is_of_what_is_filtered(self, client: httpx2.AsyncClient) -> None:
        assert (await listed(client, "filter=game&limit=2"))["total"] == 5

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("filter=nothing", "filter"),
            ("filter=null", "filter"),
            ("filter=", "filter"),
            ("filter=installed,hidden", "filter"),
            ("installation_status=gone", "installation_status"),
            ("collection=mine", "collection"),
            ("collection=null", "collection"),
            ("sort=price", "sort"),
            ("order=up", "order"),
            ("order=null", "order"),
            ("sort=-name&order=asc", "order"),
            ("include_hidden=1", "include_hidden"),
            ("include_hidden=True", "include_hidden"),
            ("q=", "q"),
            ("q=%20", "q"),
            (f"q={'a' * 101}", "q"),
            ("category=", "category"),
            (f"category={'a' * 101}", "category"),
            ("fields=", "fields"),
            ("fields=name,", "fields"),
            ("fields=name,secret", "fields"),
            ("fields=__class__", "fields"),
            ("cursor=abc&offset=1", "offset"),
            ("sort=name&sort=name", "sort"),
        ],
    )
    async def test_what_cannot_be_is_refused_by_name(
        self, client: httpx2.AsyncClient, query: str, field: str
    ) -> None:
        status, code, details = refusal(await client.get(f"{LIBRARY}?{query}", headers=bearer()))

        assert (status, code, details["field"]) == (400, "VALIDATION_ERROR", field)


class TestOrder:
    async def test_is_by_name_as_people_read(self, client: httpx2.AsyncClient) -> None:
        assert await names(client) == ["Braid", "Editor", "fez", "Portal 2", "Абба", "Ёж"]

    @pytest.mark.parametrize("query", ["sort=-name", "sort=name&order=desc", "sort=-name&order=desc"])
    async def test_can_be_turned_round(self, client: httpx2.AsyncClient, query: str) -> None:
        assert (await names(client, query))[0] == "Ёж"

    @pytest.mark.parametrize(
        "sort", ["acquisition_date", "last_played_at", "total_playtime", "installation_status"]
    )
    async def test_can_be_by_anything_published(self, client: httpx2.AsyncClient, sort: str) -> None:
        assert len(await names(client, f"sort={sort}")) == 6


class TestCursor:
    async def walk(self, client: httpx2.AsyncClient, query: str) -> list[str]:
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await listed(client, f"{query}{'&cursor=' if cursor else ''}{cursor}")
            found += [item["name"] for item in page["items"]]
            cursor = page["next_cursor"]
        return found

    @pytest.mark.parametrize(
        "order", ["sort=name", "sort=-name", "sort=acquisition_date", "sort=-total_playtime", "filter=game"]
    )
    async def test_leads_through_everything_once(self, client: httpx2.AsyncClient, order: str) -> None:
        assert await self.walk(client, f"limit=2&{order}") == await names(client, order)

    async def test_a_page_behind_one_counts_nothing(self, client: httpx2.AsyncClient) -> None:
        first = await listed(client, "limit=2")

        second = await listed(client, f"limit=2&cursor={first['next_cursor']}")

        assert (first["total"], first["offset"]) == (6, 0)
        assert (second["total"], second["offset"]) == (None, None)

    async def test_may_change_the_limit_and_the_fields(self, client: httpx2.AsyncClient) -> None:
        cursor = (await listed(client, "limit=2"))["next_cursor"]

        page = await listed(client, f"limit=3&fields=name&cursor={cursor}")

        assert page["items"] == [{"name": name} for name in ("fez", "Portal 2", "Абба")]

    @pytest.mark.parametrize(
        "other",
        ["sort=-name", "filter=game", "q=a", "include_hidden=true", "category=a", "sort=total_playtime"],
    )
    async def test_is_of_no_use_to_another_request(self, client: httpx2.AsyncClient, other: str) -> None:
        cursor = (await listed(client, "limit=2"))["next_cursor"]

        response = await client.get(f"{LIBRARY}?{other}&cursor={cursor}", headers=bearer())

        assert refusal(response) == (400, "VALIDATION_ERROR", {"field": "cursor", "reason": "invalid"})

    async def test_is_of_no_use_to_another_user(self, client: httpx2.AsyncClient) -> None:
        cursor = (await listed(client, "limit=2"))["next_cursor"]

        response = await client.get(f"{LIBRARY}?cursor={cursor}", headers=bearer("bob"))

        assert refusal(response)[2] == {"field": "cursor", "reason": "invalid"}

    async def test_is_made_by_us_alone(self, world: World, client: httpx2.AsyncClient) -> None:
        cursor = (await listed(client, "limit=2"))["next_cursor"]
        changed = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
        others = world.application(
            cursor_key=b"another key of thirty-two bytes.", registry=CollectorRegistry()
        )

        async with client_of(create_app(others)) as elsewhere:
            responses = [
                await client.get(f"{LIBRARY}?cursor={changed}", headers=bearer()),
                await elsewhere.get(f"{LIBRARY}?cursor={cursor}", headers=bearer()),
            ]

        assert [refusal(each)[2]["field"] for each in responses] == ["cursor", "cursor"]

    @pytest.mark.parametrize("text", ["", "a", "=", "%2B%2F%3D", "я", "A" * 20, "A" * 5000])
    async def test_nonsense_is_refused(self, client: httpx2.AsyncClient, text: str) -> None:
        response = await client.get(f"{LIBRARY}?cursor={text}", headers=bearer())

        assert refusal(response)[2] == {"field": "cursor", "reason": "invalid"}


class TestFields:
    async def test_trim_items_of_a_list(self, client: httpx2.AsyncClient) -> None:
        page = await listed(client, "fields=game_id,name,name&limit=1")

        assert page["items"] == [{"game_id": str(game_id("Braid")), "name": "Braid"}]

    async def test_trim_one_game(self, client: httpx2.AsyncClient) -> None:
        response = await client.get(f"{LIBRARY}/{game_id('Braid')}?fields=name,access", headers=bearer())

        assert data(response).keys() == {"name", "access"}


VERSIONED = [LIBRARY, f"{LIBRARY}/{game_id('Braid')}", f"{LIBRARY}/categories", f"{LIBRARY}/collections"]


class TestConditional:
    @pytest.mark.parametrize("path", VERSIONED)
    async def test_a_client_that_has_the_newest_is_told_so(
        self, client: httpx2.AsyncClient, path: str
    ) -> None:
        first = await client.get(path, headers=bearer())
        tag = first.headers["ETag"]

        second = await client.get(path, headers=bearer() | {"If-None-Match": tag})

        assert tag.startswith('W/"')
        assert (second.status_code, second.content) == (304, b"")
        assert second.headers["ETag"] == tag
        assert second.headers["Cache-Control"] == first.headers["Cache-Control"] == "private, no-cache"
        assert second.headers["Vary"] == first.headers["Vary"]
        assert "Authorization" in second.headers["Vary"]

    async def test_no_page_is_read_for_it(self, world: World, client: httpx2.AsyncClient) -> None:
        tag = (await client.get(LIBRARY, headers=bearer())).headers["ETag"]
        calls = world.list_library.calls

        await client.get(LIBRARY, headers=bearer() | {"If-None-Match": tag})

        assert world.list_library.calls == calls

    @pytest.mark.parametrize(
        "given", ["*", 'W/"other", {tag}', "{strong}", '{tag} , W/"other"', '"a","b",{tag}']
    )
    async def test_lists_and_stars_are_understood(self, client: httpx2.AsyncClient, given: str) -> None:
        tag = (await client.get(LIBRARY, headers=bearer())).headers["ETag"]
        header = given.format(tag=tag, strong=tag.removeprefix("W/"))

        response = await client.get(LIBRARY, headers=bearer() | {"If-None-Match": header})

        assert response.status_code == 304

    @pytest.mark.parametrize("given", ["", 'W/""', "abc", 'W/"0.0.0.0"'])
    async def test_others_get_the_answer(self, client: httpx2.AsyncClient, given: str) -> None:
        response = await client.get(LIBRARY, headers=bearer() | {"If-None-Match": given})

        assert response.status_code == 200

    async def test_a_change_makes_it_new(self, client: httpx2.AsyncClient) -> None:
        before = (await client.get(LIBRARY, headers=bearer())).headers["ETag"]
        await edit(client, "Braid", is_favorite=True)

        response = await client.get(LIBRARY, headers=bearer() | {"If-None-Match": before})

        assert response.status_code == 200
        assert response.headers["ETag"] != before

    async def test_a_change_that_changes_nothing_does_not(self, client: httpx2.AsyncClient) -> None:
        await edit(client, "Braid", is_favorite=True)
        before = (await client.get(LIBRARY, headers=bearer())).headers["ETag"]
        await edit(client, "Braid", is_favorite=True)

        assert (await client.get(LIBRARY, headers=bearer())).headers["ETag"] == before

    async def test_an_item_says_when_it_changed(self, client: httpx2.AsyncClient) -> None:
        response = await client.get(f"{LIBRARY}/{game_id('Braid')}", headers=bearer())

        assert response.headers["Last-Modified"] == "Mon, 23 Nov 2026 12:00:00 GMT"

    async def test_a_refusal_has_none(self, client: httpx2.AsyncClient) -> None:
        response = await client.get(f"{LIBRARY}/{game_id('absent')}", headers=bearer())

        assert "ETag" not in response.headers

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            (f"{LIBRARY}/{game_id('absent')}", 404),
            (f"{LIBRARY}?cursor=bogus", 400),
            (f"{LIBRARY}?limit=1", 200),
        ],
    )
    async def test_a_tag_is_of_no_use_for_another_request(
        self, client: httpx2.AsyncClient, path: str, status: int
    ) -> None:
        """Without the tag those are no 200 either (RFC 9110 13.2.1)."""
        tag = (await client.get(LIBRARY, headers=bearer())).headers["ETag"]

        response = await client.get(path, headers=bearer() | {"If-None-Match": tag})

        assert response.status_code == status

    async def test_a_star_matches_only_what_is_there(self, client: httpx2.AsyncClient) -> None:
        star = bearer() | {"If-None-Match": "*"}

        there = await client.get(f"{LIBRARY}/{game_id('Braid')}", headers=star)
        absent = await client.get(f"{LIBRARY}/{game_id('absent')}", headers=star)
        invalid = await client.get(f"{LIBRARY}?limit=0", headers=star)

        assert [each.status_code for each in (there, absent, invalid)] == [304, 404, 400]

    async def test_access_is_asked_anew(self, client: httpx2.AsyncClient) -> None:
        response = await client.get(f"{LIBRARY}/{game_id('Braid')}/access", headers=bearer())

        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers


class TestCompression:
    async def test_a_larger_answer_is_packed_when_asked_for(self, client: httpx2.AsyncClient) -> None:
        plain = await client.get(LIBRARY, headers=bearer() | {"Accept-Encoding": "identity"})
        packed = await client.get(LIBRARY, headers=bearer() | {"Accept-Encoding": "br, gzip;q=0.5"})

        assert packed.headers["Content-Encoding"] == "gzip"
        assert int(packed.headers["Content-Length"]) < len(plain.content)
        assert packed.content == plain.content
        assert packed.headers["ETag"] == plain.headers["ETag"]
        assert "Accept-Encoding" in plain.headers["Vary"]

    @pytest.mark.parametrize("given", ["", "identity", "gzip;q=0", "gzip;q=0.000", "br", "*;q=0", "xgzip"])
    async def test_not_when_it_is_not(self, client: httpx2.AsyncClient, given: str) -> None:
        response = await client.get(LIBRARY, headers=bearer() | {"Accept-Encoding": given})

        assert "Content-Encoding" not in response.headers

    async def test_a_small_one_never_is(self, client: httpx2.AsyncClient) -> None:
        response = await client.get(f"{LIBRARY}?fields=name", headers=bearer() | {"Accept-Encoding": "gzip"})

        assert "Content-Encoding" not in response.headers


class TestOtherOrigins:
    """CORS is off by default (details 3.11)."""

    PREFLIGHT = {  # noqa: RUF012 - it is read only
        "Origin": "https://play.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization",
    }

    async def test_may_ask_nothing(self, client: httpx2.AsyncClient) -> None:
        preflight = await client.options(LIBRARY, headers=self.PREFLIGHT)
        response = await client.get(LIBRARY, headers=bearer() | {"Origin": "https://play.example"})

        for each in (preflight, response):
            assert not [name for name in each.headers if name.lower().startswith("access-control")]

    async def test_may_if_they_are_listed(self, world: World) -> None:
        application = world.application(cors_origins=("https://play.example",))
        async with client_of(create_app(application)) as client:
            preflight = await client.options(LIBRARY, headers=self.PREFLIGHT)
            response = await client.get(LIBRARY, headers=bearer() | {"Origin": "https://play.example"})
            other = await client.get(LIBRARY, headers=bearer() | {"Origin": "https://evil.example"})

        assert preflight.status_code == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == "https://play.example"
        assert response.headers["Access-Control-Allow-Origin"] == "https://play.example"
        assert "ETag" in response.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert other.headers.get("Access-Control-Allow-Origin") != "https://evil.example"
