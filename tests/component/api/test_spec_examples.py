"""The examples of the platform's specification, kept beside as data: their requests are taken as they stand, and what
they answer is in our answers, under the one name that each datum has (details, Names).
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from builders import a_dlc, a_game, game_id
from component.api.door import LIBRARY, World, bearer, data, refusal
from component.api.playing import Player

from library_domain.catalog.model import LaunchOption

EXAMPLES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("spec_examples.json").read_text(encoding="utf-8")
)
GAME = game_id("Космические рейнджеры")
SESSION = "sess_12345_20250522083000"
OURS = {
    "GET /api/v1/library",
    "GET /api/v1/library/games/12345",
    "POST /api/v1/library/games/12345/categories",
    "POST /api/v1/library/games/12345/session/start",
    "POST /api/v1/library/games/12345/session/end",
}
LATER = {
    "POST /api/v1/library/games/12345/saves/upload": "cloud saves",
    "GET /api/v1/library/games/12345/saves/save_12345_002/download": "cloud saves",
    "POST /api/v1/library/games/12345/achievements": "achievements",
    "POST /api/v1/wishlist": "wishlist",
    "GET /api/v1/wishlist": "wishlist",
}
"""Requests that nobody answers yet, and the slice that will."""
LATER_MEMBERS = {
    "achievements": "achievements",
    "cloud_saves": "cloud saves",
    "screenshots": "none: nothing gives them to this service (docs/api)",
}
"""Members of an item that are not there yet, and the slice that brings them."""
RENAMED = {
    "type": "product_type",
    "last_played": "last_played_at",
    "total_playtime": "total_playtime_seconds",
    "hidden": "is_hidden",
    "duration": "duration_seconds",
}
"""What the body of the specification calls by another name than its examples do."""


@pytest.fixture(autouse=True)
async def a_library(world: World, client: httpx2.AsyncClient) -> None:
    """Give the caller a game that has one of everything, in the categories of the example, played once and again now."""
    option = LaunchOption(id="default", name="Стандартный запуск", command="", is_default=True)
    world.own(a_game("Космические рейнджеры", launch_options=(option,)))
    world.own(a_dlc("Новые миры", of="Космические рейнджеры"))
    for name in ("RPG", "Избранное"):
        await client.post(
            f"{LIBRARY}/games/{GAME}/categories", json={"category_name": name}, headers=bearer()
        )
    player = Player(client, world)
    await player.play(1, "Космические рейнджеры")
    await player.session("Космические рейнджеры")


def line_of(example: Mapping[str, Any]) -> str:
    line: str = example["request"].splitlines()[0]
    return line


async def send(client: httpx2.AsyncClient, example: Mapping[str, Any], query: str = "") -> httpx2.Response:
    """Send the request as it is written; only its token and its ids are others."""
    head, _, body = example["request"].partition("\n\n")
    line, *lines = head.split("\n")
    method, path = line.split(" ")
    headers = dict(each.split(": ", 1) for each in lines) | bearer()
    content = body.replace(SESSION, await latest(client)).replace("12345", str(GAME)).encode()
    return await client.request(
        method, path.replace("12345", str(GAME)) + query, headers=headers, content=content or None
    )


async def latest(client: httpx2.AsyncClient) -> str:
    """Return the id of the session that runs, or ended last."""
    path = f"{LIBRARY}/playtime/sessions"
    pages = [data(await client.get(f"{path}?active={each}", headers=bearer())) for each in ("true", "false")]
    newest: str = next(session["id"] for page in pages for session in page["items"])
    return newest


def members(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every member with its path; those of a list's items are those of the list."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield f"{path}.{name}".lstrip("."), member
            yield from members(member, f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from members(each, path)


def example_of(line: str) -> dict[str, Any]:
    (found,) = [example for example in EXAMPLES if line_of(example) == line]
    return found


def test_every_example_is_ours_or_some_later_slices() -> None:
    assert {line_of(example) for example in EXAMPLES} == OURS | LATER.keys()


@pytest.mark.parametrize("line", sorted(OURS))
async def test_the_request_is_taken_as_it_stands(client: httpx2.AsyncClient, line: str) -> None:
    example = example_of(line)

    data(await send(client, example))
    data(await send(client, example, example["query"]))


@pytest.mark.parametrize("line", sorted(OURS))
async def test_the_answer_has_every_member(client: httpx2.AsyncClient, line: str) -> None:
    example = example_of(line)

    # Without the example's filter, for no game is installed here.
    answered = dict(members(data(await send(client, example))))

    for path, value in members(example["response"]):
        *parents, name = path.split(".")
        if LATER_MEMBERS.keys() & {*parents, name}:
            assert path not in answered, "it is there: take it from LATER_MEMBERS"
            continue
        shown = ".".join([*parents, RENAMED.get(name, name)])
        assert shown in answered
        assert answered[shown] is None or type(answered[shown]) is type(value), shown
        assert name not in RENAMED or path not in answered, "one name for one datum"


async def test_the_filing_of_the_example_has_its_categories(client: httpx2.AsyncClient) -> None:
    example = example_of("POST /api/v1/library/games/12345/categories")

    filed = data(await send(client, example))

    assert sorted(filed["categories"]) == sorted(example["response"]["categories"])


@pytest.mark.parametrize("line", sorted(LATER))
async def test_what_is_for_later_is_not_there(client: httpx2.AsyncClient, line: str) -> None:
    """When it is, it belongs to OURS."""
    response = await send(client, example_of(line))

    assert response.status_code in {404, 405}
    assert refusal(response)[1] in {"NOT_FOUND", "METHOD_NOT_ALLOWED"}


class TestRefusals:
    """Their codes, statuses and details are the examples'; the envelope around them is the contract's."""

    @staticmethod
    def expected(line: str) -> tuple[int, str, set[str]]:
        (error,) = example_of(line)["errors"]
        told = error["answer"]["error"]
        return error["status"], told["code"], set(told["details"] or ())

    async def test_a_bad_token(self, client: httpx2.AsyncClient) -> None:
        response = await client.get(LIBRARY, headers={"Authorization": "Bearer nobody"})

        status, code, details = refusal(response)
        assert (status, code, set(details)) == self.expected("GET /api/v1/library")

    async def test_a_game_that_is_not_there(self, client: httpx2.AsyncClient) -> None:
        response = await client.get(f"{LIBRARY}/games/{game_id('absent')}", headers=bearer())

        status, code, details = refusal(response)
        assert (status, code, set(details)) == self.expected("GET /api/v1/library/games/12345")

    async def test_a_category_with_special_characters(self, client: httpx2.AsyncClient) -> None:
        response = await client.post(
            f"{LIBRARY}/games/{GAME}/categories", json={"category_name": "<b>"}, headers=bearer()
        )

        status, code, details = refusal(response)
        expected = self.expected("POST /api/v1/library/games/12345/categories")
        assert (status, code) == expected[:2]
        assert details.keys() >= expected[2]
