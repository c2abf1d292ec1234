"""The specification says what the door does, and the committed copy says the same (contract 2)."""

import json
from pathlib import Path

import httpx2
import pytest
from builders import a_game, game_id
from component.api.door import LIBRARY, World, bearer, data

from library_api.__main__ import main
from library_api.specification import specification
from library_domain.shared.access import MATRIX, PLAYERS, Door

COMMITTED = Path(__file__).parents[3] / "docs" / "api" / "openapi.json"


def test_the_committed_copy_is_current() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == specification(), (
        "run: library-api openapi > docs/api/openapi.json"
    )


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
        row.name for row in MATRIX.values() if row.door is Door.REST and row.roles == PLAYERS
    }


def test_every_refusal_is_documented_with_the_envelope() -> None:
    item = json.loads(specification())["paths"]["/api/v1/library/{game_id}"]["get"]["responses"]

    assert {status: response["description"] for status, response in item.items() if status != "200"} == {
        "400": "VALIDATION_ERROR",
        "401": "UNAUTHORIZED",
        "403": "FORBIDDEN",
        "404": "GAME_NOT_FOUND",
        "503": "DEPENDENCY_UNAVAILABLE",
    }
    assert all(
        response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Failure"}
        for status, response in item.items()
        if status != "200"
    )


async def test_answers_have_the_members_that_it_names(world: World, client: httpx2.AsyncClient) -> None:
    world.own(a_game("Portal 2"))
    schemas = json.loads(specification())["components"]["schemas"]

    item = data(await client.get(f"{LIBRARY}/{game_id('Portal 2')}", headers=bearer()))

    assert item.keys() == schemas["LibraryItemDetail"]["properties"].keys()
    assert item["access"].keys() == schemas["AccessVerdict"]["properties"].keys()
