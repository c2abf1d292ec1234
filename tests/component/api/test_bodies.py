"""JSON bodies are what the specification says and nothing else (contract 1 and 2; reliability, rows 8 to 10)."""

import json
from typing import Any

import httpx2
import pytest
from builders import a_game, game_id
from component.api.door import LIBRARY, World, bearer, data, refusal

GAME = f"{LIBRARY}/{game_id('Portal 2')}"
JSON_TYPE = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def a_library(world: World) -> None:
    world.own(a_game("Portal 2"))


async def send(client: httpx2.AsyncClient, body: bytes, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.patch(GAME, content=body, headers=bearer() | JSON_TYPE | named)


class TestMembers:
    @pytest.mark.parametrize(
        ("body", "details"),
        [
            ({"hidden": True}, {"field": "hidden", "reason": "unknown_member"}),
            (
                {"is_hidden": "true"},
                {"field": "is_hidden", "reason": "invalid", "expected": "Expected `bool`, got `str`"},
            ),
            (
                {"is_hidden": 1},
                {"field": "is_hidden", "reason": "invalid", "expected": "Expected `bool`, got `int`"},
            ),
            (
                {"is_hidden": None},
                {"field": "is_hidden", "reason": "invalid", "expected": "Expected `bool`, got `null`"},
            ),
            (
                {"categories": ["RPG", 1]},
                {"field": "categories[1]", "reason": "invalid", "expected": "Expected `str`, got `int`"},
            ),
            ([], {"field": "body", "reason": "invalid", "expected": "Expected `object`, got `array`"}),
            (None, {"field": "body", "reason": "invalid", "expected": "Expected `object`, got `null`"}),
        ],
    )
    async def test_one_that_does_not_fit_is_named(
        self, client: httpx2.AsyncClient, body: Any, details: dict[str, Any]
    ) -> None:
        response = await send(client, json.dumps(body).encode())

        assert refusal(response) == (400, "VALIDATION_ERROR", details)

    async def test_a_missing_one_is_named(self, client: httpx2.AsyncClient) -> None:
        response = await client.post(f"{LIBRARY}/categories", json={"color": "#000000"}, headers=bearer())

        assert refusal(response) == (400, "VALIDATION_ERROR", {"field": "name", "reason": "missing"})

    async def test_text_that_is_too_long_is_named(self, client: httpx2.AsyncClient) -> None:
        response = await send(client, json.dumps({"notes": "я" * 4001}).encode())

        assert refusal(response)[2]["field"] == "notes"

    async def test_text_is_kept_composed(self, client: httpx2.AsyncClient) -> None:
        item = data(await send(client, '{"notes": "e\u0301\\u0438\\u0306"}'.encode()))

        assert item["notes"] == "\u00e9\u0439"

    async def test_lines_and_tabs_may_be_in_notes(self, client: httpx2.AsyncClient) -> None:
        item = data(await send(client, b'{"notes": "a\\n\\tb"}'))

        assert item["notes"] == "a\n\tb"


class TestText:
    @pytest.mark.parametrize(
        ("body", "field", "reason"),
        [
            (b'{"notes": "\\u0000"}', "notes", "forbidden_character"),
            (b'{"notes": "\\u001b[2J"}', "notes", "forbidden_character"),
            (b'{"notes": "\\u0085"}', "notes", "forbidden_character"),
            (b'{"notes": "\\ud800"}', "notes", "forbidden_character"),
            (b'{"notes": "\\udc00\\ud800"}', "notes", "forbidden_character"),
            (b'{"categories": ["a", "\\u0007"]}', "categories[1]", "forbidden_character"),
            (b'{"a\\u0000": 1}', "body", "forbidden_character"),
            (b'{"notes": "a", "notes": "b"}', "notes", "repeated"),
            (b'{"notes": "a", "not\\u0065s": "b"}', "notes", "repeated"),
            (b"[" * 5000, "body", "too_deep"),
            (b'{"notes":' * 5000, "body", "too_deep"),
            (b"[" * 33 + b"]" * 33, "[0]", "too_deep"),
            (b'{"notes": 1e999}', "body", "number_out_of_range"),
            (b'{"notes": NaN}', "body", "malformed_json"),
            (b'{"notes": Infinity}', "body", "malformed_json"),
            (b'{"notes": ' + b"1" * 5000 + b"}", "body", "malformed_json"),
            (b"\xef\xbb\xbf{}", "body", "malformed_json"),
            ('{"notes": "a"}'.encode("utf-16"), "body", "malformed_json"),
            (b'{"notes": "\xff"}', "body", "malformed_json"),
            (b'{"notes": "\xed\xa0\x80"}', "body", "malformed_json"),
            (b'{"notes": "a"} {}', "body", "malformed_json"),
            (b"{'notes': 'a'}", "body", "malformed_json"),
            (b'{"notes": "a",}', "body", "malformed_json"),
            (b" ", "body", "malformed_json"),
            (b"", "body", "missing"),
        ],
    )
    async def test_what_is_no_proper_json_is_refused(
        self, client: httpx2.AsyncClient, body: bytes, field: str, reason: str
    ) -> None:
        status, code, details = refusal(await send(client, body))

        assert (status, code, details["reason"]) == (400, "VALIDATION_ERROR", reason)
        assert str(details["field"]).startswith(field)

    @pytest.mark.parametrize("query", ["q=%00", "q=a%07", "category=%1b", "q=%7f"])
    async def test_a_query_is_held_to_the_same(self, client: httpx2.AsyncClient, query: str) -> None:
        response = await client.get(f"{LIBRARY}?{query}", headers=bearer())

        assert refusal(response)[:2] == (400, "VALIDATION_ERROR")
        assert refusal(response)[2]["reason"] == "forbidden_character"


class TestContentType:
    @pytest.mark.parametrize(
        "given",
        [
            "application/json",
            "application/json; charset=utf-8",
            'Application/JSON;charset="UTF-8"',
        ],
    )
    async def test_json_in_utf_8_is_taken(self, client: httpx2.AsyncClient, given: str) -> None:
        assert (await send(client, b"{}", Content_Type=given)).status_code == 200

    @pytest.mark.parametrize(
        "given",
        [
            "text/xml",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json; charset=utf-16",
            "application/json; charset=latin-1",
            "application/json; version=1",
            "application/jsonp",
            "",
            "*/*",
        ],
    )
    async def test_anything_else_is_refused(self, client: httpx2.AsyncClient, given: str) -> None:
        response = await send(client, b"{}", Content_Type=given)

        assert refusal(response) == (415, "UNSUPPORTED_MEDIA_TYPE", {"accepted": ["application/json"]})

    async def test_none_is_refused(self, client: httpx2.AsyncClient) -> None:
        response = await client.patch(GAME, content=b"{}", headers=bearer())

        assert refusal(response)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")

    async def test_a_packed_body_is_refused(self, client: httpx2.AsyncClient) -> None:
        response = await send(client, b"\x1f\x8b", Content_Encoding="gzip")

        assert refusal(response)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")


class TestSize:
    async def test_64_kib_are_taken(self, client: httpx2.AsyncClient) -> None:
        response = await send(client, b"{" + b" " * (64 * 1024 - 2) + b"}")

        assert response.status_code == 200

    async def test_a_byte_more_is_refused(self, client: httpx2.AsyncClient) -> None:
        response = await send(client, b"{" + b" " * (64 * 1024 - 1) + b"}")

        assert refusal(response) == (413, "PAYLOAD_TOO_LARGE", {})
        assert response.headers["Connection"] == "close"
