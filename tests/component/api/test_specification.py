"""The specification says what the door does, and the committed copy says the same (contract 2)."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from builders import a_game, game_id
from component.api.door import LIBRARY, World, bearer, data, refusal

from library_api.__main__ import main
from library_api.docs_page import ASSETS
from library_api.languages import OFFERED
from library_api.specification import specification, specification_yaml
from library_domain.shared.access import MATRIX, Door, Role

COMMITTED = Path(__file__).parents[3] / "docs" / "api" / "openapi.json"


def test_the_committed_copy_is_current() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == specification(), "run: make generate"
    assert COMMITTED.with_suffix(".yaml").read_text(encoding="utf-8") == specification_yaml()


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi"]) == 0

    assert capsys.readouterr().out == specification()


@pytest.mark.parametrize("path", ["/schema", "/schema/", "/schema/openapi.json"])
async def test_it_is_served_to_anybody(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.get(path)

    assert response.status_code == 200
    assert response.json() == json.loads(specification())
    assert response.headers["Content-Type"] == "application/vnd.oai.openapi+json"


def test_it_is_openapi_3_1_with_bearer_tokens() -> None:
    document = json.loads(specification())

    assert document["openapi"] == "3.1.0"
    assert document["security"] == [{"bearer": []}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_it_documents_every_operation_of_the_matrix_but_itself() -> None:
    paths = json.loads(specification())["paths"]
    documented = {
        operation["operationId"].removesuffix(".alias")
        for path in paths.values()
        for operation in path.values()
    }

    assert documented == {
        row.name for row in MATRIX.values() if row.door is Door.REST and Role.ANONYMOUS not in row.roles
    }


def operation(path: str, method: str) -> dict[str, Any]:
    document = json.loads(specification())
    found: dict[str, Any] = document["paths"][path][method]
    return found


def test_every_refusal_of_a_get_is_documented() -> None:
    responses = operation(f"{LIBRARY}/{{game_id}}", "get")["responses"]

    assert {status: each["description"] for status, each in responses.items() if status >= "400"} == {
        "400": "VALIDATION_ERROR",
        "401": "UNAUTHORIZED",
        "403": "FORBIDDEN",
        "404": "GAME_NOT_FOUND",
        "429": "RATE_LIMITED",
        "503": "DEPENDENCY_UNAVAILABLE",
    }
    assert "304" in responses


def test_every_refusal_of_a_post_is_documented() -> None:
    responses = operation(f"{LIBRARY}/categories", "post")["responses"]

    assert {status: each["description"] for status, each in responses.items() if status >= "400"} == {
        "400": "INVALID_CATEGORY, VALIDATION_ERROR",
        "401": "UNAUTHORIZED",
        "403": "FORBIDDEN",
        "408": "REQUEST_TIMEOUT",
        "409": "CATEGORY_EXISTS, IDEMPOTENCY_IN_PROGRESS, LIMIT_REACHED",
        "413": "PAYLOAD_TOO_LARGE",
        "415": "UNSUPPORTED_MEDIA_TYPE",
        "422": "IDEMPOTENCY_KEY_REUSED",
        "429": "RATE_LIMITED",
        "503": "DEPENDENCY_UNAVAILABLE",
    }
    assert {"Location", "X-Request-ID", "Idempotent-Replayed", "RateLimit-Remaining"} <= responses["201"][
        "headers"
    ].keys()


def test_every_refusal_has_the_envelope_and_examples_in_every_language() -> None:
    document = json.loads(specification())
    refused = [
        response
        for item in document["paths"].values()
        for each in item.values()
        for status, response in each["responses"].items()
        if status >= "400"
    ]

    for response in refused:
        content = response["content"]["application/json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Failure"}
        assert content["examples"].keys() == {
            f"{code}.{language}" for code in response["description"].split(", ") for language in OFFERED
        }


def test_every_post_takes_an_idempotency_key_but_the_heartbeat() -> None:
    document = json.loads(specification())
    posts = [item["post"] for item in document["paths"].values() if "post" in item]

    without = [
        post["operationId"]
        for post in posts
        if "Idempotency-Key" not in {each["name"] for each in post.get("parameters", ())}
    ]
    assert without == ["playtime.heartbeat"]


class TestPage:
    """The interactive documentation, from our own assets (contract 2)."""

    async def test_loads_nothing_from_elsewhere(self, client: httpx2.AsyncClient) -> None:
        page = await client.get("/schema/docs")

        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert all(each.startswith(("/schema/", "data:,")) for each in loaded)
        for path in (each for each in loaded if each.startswith("/")):
            assert (await client.get(path)).status_code == 200

    async def test_allows_the_browser_only_what_it_needs(self, client: httpx2.AsyncClient) -> None:
        page = await client.get("/schema/docs")

        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"
        )
        assert "unsafe" not in policy

    @pytest.mark.parametrize("name", ["swagger-ui.css", "swagger-ui-bundle.js"])
    async def test_demands_the_assets_that_npm_has(self, client: httpx2.AsyncClient, name: str) -> None:
        asset = await client.get(f"/schema/docs/{name}")

        digest = base64.b64encode(hashlib.sha384(asset.content).digest()).decode()
        assert ASSETS[name].integrity == f"sha384-{digest}"
        assert f'integrity="sha384-{digest}"' in (await client.get("/schema/docs")).text

    @pytest.mark.parametrize("name", ["nothing.js", "..%2Fapp.py", "%2e%2e"])
    async def test_gives_no_other_file(self, client: httpx2.AsyncClient, name: str) -> None:
        response = await client.get(f"/schema/docs/{name}")

        assert refusal(response)[:2] == (404, "NOT_FOUND")


async def test_answers_have_the_members_that_it_names(world: World, client: httpx2.AsyncClient) -> None:
    world.own(a_game("Portal 2"))
    schemas = json.loads(specification())["components"]["schemas"]

    item = data(await client.get(f"{LIBRARY}/{game_id('Portal 2')}", headers=bearer()))

    assert item.keys() == schemas["LibraryItemDetail"]["properties"].keys()
    assert item["access"].keys() == schemas["AccessVerdict"]["properties"].keys()
