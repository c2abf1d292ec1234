"""Every failure in both languages, in the envelope, telling nothing that it should not (contract 2, reliability 6)."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from builders import game_id
from component.api.door import LIBRARY, World, bearer, client_of, refusal

from library_api.boundary import Boundary
from library_api.languages import OFFERED, Language
from library_api.messages import MESSAGES
from library_domain.playtime.errors import GameInUse, SessionAlreadyActive, SessionEnded, SessionNotFound
from library_domain.shared.errors import (
    DependencyUnavailable,
    IdempotencyInProgress,
    IdempotencyKeyReused,
)

SECRET = "SELECT password FROM users at db-7.internal"


def fails(error: BaseException) -> Callable[[World], None]:
    def arrange(world: World) -> None:
        world.list_library.raises = error

    return arrange


def does_nothing(_: World) -> None: ...


CASES: dict[str, tuple[Callable[[World], None], str, str, dict[str, str], int]] = {
    "VALIDATION_ERROR": (does_nothing, "GET", f"{LIBRARY}?limit=0", bearer(), 400),
    "UNAUTHORIZED": (does_nothing, "GET", LIBRARY, {}, 401),
    "FORBIDDEN": (does_nothing, "GET", LIBRARY, {"Authorization": "Bearer alice.system"}, 403),
    "GAME_NOT_FOUND": (does_nothing, "GET", f"{LIBRARY}/{game_id('absent')}", bearer(), 404),
    "NOT_FOUND": (does_nothing, "GET", "/api/v1/nowhere", bearer(), 404),
    "METHOD_NOT_ALLOWED": (does_nothing, "DELETE", LIBRARY, bearer(), 405),
    "IDEMPOTENCY_IN_PROGRESS": (fails(IdempotencyInProgress()), "GET", LIBRARY, bearer(), 409),
    "IDEMPOTENCY_KEY_REUSED": (fails(IdempotencyKeyReused()), "GET", LIBRARY, bearer(), 422),
    "SESSION_NOT_FOUND": (fails(SessionNotFound()), "GET", LIBRARY, bearer(), 404),
    "SESSION_ENDED": (fails(SessionEnded()), "GET", LIBRARY, bearer(), 409),
    "SESSION_ALREADY_ACTIVE": (fails(SessionAlreadyActive()), "GET", LIBRARY, bearer(), 409),
    "GAME_IN_USE": (fails(GameInUse()), "GET", LIBRARY, bearer(), 409),
    "INTERNAL_ERROR": (fails(RuntimeError(SECRET)), "GET", LIBRARY, bearer(), 500),
    "DEPENDENCY_UNAVAILABLE": (fails(DependencyUnavailable("postgres")), "GET", LIBRARY, bearer(), 503),
}


PROVOKED_ELSEWHERE = {
    # by the process, test_hostile_inputs.py, or with a body, test_bodies.py
    *("UNSUPPORTED_MEDIA_TYPE", "PAYLOAD_TOO_LARGE", "REQUEST_TIMEOUT"),
    # test_rate_limit.py
    "RATE_LIMITED",
    # test_categories.py
    *("CATEGORY_NOT_FOUND", "CATEGORY_EXISTS", "INVALID_CATEGORY", "LIMIT_REACHED"),
}


def test_every_message_is_provoked() -> None:
    assert CASES.keys() | PROVOKED_ELSEWHERE == MESSAGES.keys()


@pytest.mark.parametrize("language", OFFERED)
@pytest.mark.parametrize("code", CASES)
async def test_every_failure_speaks_the_clients_language(
    world: World, client: httpx2.AsyncClient, code: str, language: Language
) -> None:
    arrange, method, path, headers, status = CASES[code]
    arrange(world)

    response = await client.request(method, path, headers=headers | {"Accept-Language": language})

    assert refusal(response)[:2] == (status, code)
    assert response.json()["error"]["message"] == MESSAGES[code][language]
    assert response.headers["Content-Language"] == language


async def test_a_client_that_says_nothing_is_spoken_to_in_russian(client: httpx2.AsyncClient) -> None:
    response = await client.get("/api/v1/nowhere")

    assert response.headers["Content-Language"] == "ru"


class TestUnavailable:
    async def test_says_when_to_come_back(self, world: World, client: httpx2.AsyncClient) -> None:
        world.list_library.raises = DependencyUnavailable("postgres", retry_after_seconds=7)

        response = await client.get(LIBRARY, headers=bearer())

        assert refusal(response) == (503, "DEPENDENCY_UNAVAILABLE", {"dependency": "postgres"})
        assert response.headers["Retry-After"] == "7"

    async def test_is_over_when_the_dependency_is_back(
        self, world: World, client: httpx2.AsyncClient
    ) -> None:
        world.list_library.raises = DependencyUnavailable("postgres")
        await client.get(LIBRARY, headers=bearer())
        world.list_library.raises = None

        response = await client.get(LIBRARY, headers=bearer())

        assert response.status_code == 200

    async def test_is_logged_with_its_cause(
        self, world: World, client: httpx2.AsyncClient, records: list[dict[str, Any]]
    ) -> None:
        error = DependencyUnavailable("postgres")
        error.__cause__ = TimeoutError(SECRET)
        world.list_library.raises = error

        await client.get(LIBRARY, headers=bearer())

        (record,) = [each for each in records if each["message"] == "a dependency did not answer"]
        assert record["extra"] == {"dependency": "postgres", "cause": "TimeoutError"}


class TestBug:
    @pytest.mark.parametrize(
        "error", [RuntimeError(SECRET), RecursionError(SECRET), ExceptionGroup(SECRET, [OSError()])]
    )
    async def test_tells_the_client_nothing_but_the_requests_number(
        self, world: World, client: httpx2.AsyncClient, error: Exception
    ) -> None:
        world.list_library.raises = error

        response = await client.get(LIBRARY, headers=bearer() | {"X-Request-ID": "req-1"})

        assert refusal(response) == (500, "INTERNAL_ERROR", {"request_id": "req-1"})
        assert SECRET not in response.text

    async def test_is_logged_once_with_its_stack(
        self, world: World, client: httpx2.AsyncClient, records: list[dict[str, Any]]
    ) -> None:
        error = RuntimeError("a bug")
        world.list_library.raises = error

        await client.get(LIBRARY, headers=bearer())

        (record,) = [each for each in records if each["exception"] is not None]
        assert record["level"].name == "ERROR"
        assert record["exception"].value is error

    async def test_outside_of_the_routes_is_answered_too(self, world: World) -> None:
        async def broken(*_: object) -> None:
            raise RuntimeError(SECRET)

        response = await _get(world, broken)

        assert refusal(response)[:2] == (500, "INTERNAL_ERROR")

    async def test_after_the_answer_began_breaks_the_connection(self, world: World) -> None:
        async def broken(_scope: object, _receive: object, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            raise RuntimeError("half an answer")

        with pytest.raises(RuntimeError, match="half an answer"):
            await _get(world, broken)


class TestRouting:
    @pytest.mark.parametrize(
        "path", ["/", "/api", "/api/v1/", "/metrics", "/health/live", "/schema/swagger", "/%2e%2e", "/%FF"]
    )
    async def test_an_unknown_path_is_not_found(self, client: httpx2.AsyncClient, path: str) -> None:
        assert refusal(await client.get(path, headers=bearer())) == (404, "NOT_FOUND", {})

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
    async def test_another_method_is_refused_with_those_that_are_served(
        self, client: httpx2.AsyncClient, method: str
    ) -> None:
        response = await client.request(method, LIBRARY, headers=bearer())

        assert refusal(response) == (405, "METHOD_NOT_ALLOWED", {})
        assert response.headers["Allow"] == "GET, HEAD, OPTIONS"

    async def test_options_tells_the_methods_without_a_token(self, client: httpx2.AsyncClient) -> None:
        response = await client.options(LIBRARY)

        assert (response.status_code, response.text) == (204, "")
        assert response.headers["Allow"] == "GET, HEAD, OPTIONS"

    @pytest.mark.parametrize("path", [LIBRARY, f"{LIBRARY}?limit=x", "/schema/docs", "/nowhere"])
    @pytest.mark.parametrize("coding", ["identity", "gzip"])
    async def test_head_answers_like_get_without_a_body(
        self, client: httpx2.AsyncClient, path: str, coding: str
    ) -> None:
        headers = bearer() | {"X-Request-ID": "the-same", "Accept-Encoding": coding}

        got = await client.get(path, headers=headers)
        head = await client.head(path, headers=headers)

        for each in (got, head):
            each.headers.pop("RateLimit-Remaining", None)
        assert (head.status_code, head.headers, head.content) == (got.status_code, got.headers, b"")

    async def test_head_of_what_the_client_has_is_not_modified(self, client: httpx2.AsyncClient) -> None:
        tag = (await client.head(LIBRARY, headers=bearer())).headers["ETag"]

        response = await client.head(LIBRARY, headers=bearer() | {"If-None-Match": tag})

        assert response.status_code == 304

    async def test_head_of_what_has_no_get_is_refused(self, client: httpx2.AsyncClient) -> None:
        response = await client.head(f"{LIBRARY}/games/{game_id('Portal 2')}/categories", headers=bearer())

        assert response.status_code == 405
        assert response.headers["Allow"] == "OPTIONS, POST"

    async def test_a_malformed_host_is_refused(self, client: httpx2.AsyncClient) -> None:
        response = await client.get(LIBRARY, headers=bearer() | {"Host": "a b"})

        assert refusal(response) == (400, "VALIDATION_ERROR", {})


async def _get(world: World, app: Any) -> httpx2.Response:
    application = world.application()
    boundary = Boundary(
        app,
        ids=application.ids,
        tracing=application.tracing,
        registry=application.registry,
        trusted_proxies=(),
    )
    async with client_of(boundary) as client:
        return await client.get("/")
