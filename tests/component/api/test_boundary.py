"""What every request passes: its number, its caller, metrics, trace, access log."""

from ipaddress import ip_network
from typing import Any
from uuid import UUID

import httpx2
import pytest
from builders import game_id, user_id
from component.api.door import LIBRARY, World, bearer, client_of
from loguru import logger
from opentelemetry.trace import SpanKind, StatusCode

from library_api.app import create_app
from library_domain.shared.access import Role
from library_domain.shared.caller import NOBODY, Caller, current_caller
from library_domain.shared.errors import DependencyUnavailable

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


async def caller_of(world: World, client: httpx2.AsyncClient, headers: dict[str, str]) -> Caller:
    """Return as whom the use case acts."""
    seen: list[Caller] = []

    async def look() -> None:
        seen.append(current_caller())

    world.list_library.first = look
    await client.get(LIBRARY, headers=bearer() | headers)
    return seen[0]


class TestRequestId:
    @pytest.mark.parametrize("given", ["a", "req-1_2.3", "A" * 128])
    @pytest.mark.parametrize("path", [LIBRARY, "/api/v1/nowhere", "/schema"])
    async def test_a_well_formed_one_is_kept(self, client: httpx2.AsyncClient, path: str, given: str) -> None:
        response = await client.get(path, headers=bearer() | {"X-Request-ID": given})

        assert response.headers["X-Request-ID"] == given

    @pytest.mark.parametrize("given", ["", "A" * 129, "a b", "a/b", "<script>", "a\u00e9"])
    async def test_another_is_replaced(self, client: httpx2.AsyncClient, given: str) -> None:
        response = await client.get(LIBRARY, headers={b"X-Request-ID": given.encode("latin-1")})

        assert UUID(response.headers["X-Request-ID"]).version == 7

    async def test_of_two_none_is_kept(self, client: httpx2.AsyncClient) -> None:
        response = await client.get(LIBRARY, headers=[("X-Request-ID", "a"), ("X-Request-ID", "b")])

        assert UUID(response.headers["X-Request-ID"]).version == 7

    async def test_each_request_gets_its_own(self, client: httpx2.AsyncClient) -> None:
        numbers = {(await client.get(LIBRARY)).headers["X-Request-ID"] for _ in range(3)}

        assert len(numbers) == 3


class TestCaller:
    async def test_acts_with_everything_that_the_audit_needs(
        self, world: World, client: httpx2.AsyncClient
    ) -> None:
        headers = {"X-Request-ID": "req-1", "User-Agent": "Launcher/3 (windows)"}

        caller = await caller_of(world, client, headers)

        assert caller == Caller(
            actor_id=user_id("alice"),
            roles=frozenset({Role.USER}),
            ip_address="127.0.0.1",
            user_agent="Launcher/3 (windows)",
            request_id="req-1",
        )

    async def test_an_agent_is_bounded_and_printable(self, world: World, client: httpx2.AsyncClient) -> None:
        caller = await caller_of(world, client, {"User-Agent": "a\tb" + "c" * 1000})

        assert caller.user_agent == "ab" + "c" * 254

    async def test_an_address_of_a_stranger_is_not_believed(
        self, world: World, client: httpx2.AsyncClient
    ) -> None:
        caller = await caller_of(world, client, {"X-Forwarded-For": "198.51.100.1"})

        assert caller.ip_address == "127.0.0.1"

    async def test_an_address_of_a_trusted_proxy_is(self, world: World) -> None:
        application = world.application(trusted_proxies=(ip_network("127.0.0.0/8"),))
        async with client_of(create_app(application)) as client:
            caller = await caller_of(world, client, {"X-Forwarded-For": "6.6.6.6, 198.51.100.1"})

        assert caller.ip_address == "198.51.100.1"

    async def test_is_forgotten_afterwards(self, client: httpx2.AsyncClient) -> None:
        await client.get(LIBRARY, headers=bearer())

        assert current_caller() is NOBODY


class TestMetrics:
    async def test_count_by_operation_and_status(self, world: World, client: httpx2.AsyncClient) -> None:
        await client.get(LIBRARY, headers=bearer())
        await client.get(LIBRARY)
        await client.get(f"{LIBRARY}/{game_id('absent')}", headers=bearer())
        await client.get(f"{LIBRARY}/games/{game_id('absent')}", headers=bearer())
        await client.get("/api/v1/nowhere")
        await client.options(LIBRARY)

        assert world.counted("library.list", "200") == 1
        assert world.counted("library.list", "401") == 1
        assert world.counted("library.item", "404") == 2
        assert world.counted("unmatched", "404") == 1
        assert world.counted("OPTIONS", "204") == 1

    async def test_count_what_is_in_progress(self, world: World, client: httpx2.AsyncClient) -> None:
        seen: list[float | None] = []

        async def look() -> None:
            seen.append(world.registry.get_sample_value("library_requests_in_progress", {"door": "rest"}))

        world.list_library.first = look
        await client.get(LIBRARY, headers=bearer())

        assert seen == [1.0]
        assert world.registry.get_sample_value("library_requests_in_progress", {"door": "rest"}) == 0.0


class TestTrace:
    async def test_has_one_span_of_the_door_named_by_the_route(
        self, world: World, client: httpx2.AsyncClient
    ) -> None:
        await client.get(f"{LIBRARY}/{game_id('absent')}", headers=bearer())

        (span,) = world.spans.get_finished_spans()
        assert (span.name, span.kind) == ("GET /api/v1/library/{game_id}", SpanKind.SERVER)
        assert dict(span.attributes or {}) == {
            "http.request.method": "GET",
            "http.route": "/api/v1/library/{game_id}",
            "http.response.status_code": 404,
            "library.operation": "library.item",
        }
        assert span.status.status_code is StatusCode.UNSET

    async def test_continues_that_of_the_client(self, world: World, client: httpx2.AsyncClient) -> None:
        await client.get(LIBRARY, headers={"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"})

        (span,) = world.spans.get_finished_spans()
        assert span.context is not None
        assert f"{span.context.trace_id:032x}" == TRACE_ID

    @pytest.mark.parametrize("error", [RuntimeError("a bug"), DependencyUnavailable("postgres")])
    async def test_says_that_we_failed(
        self, world: World, client: httpx2.AsyncClient, error: Exception
    ) -> None:
        world.list_library.raises = error

        await client.get(LIBRARY, headers=bearer())

        (span,) = world.spans.get_finished_spans()
        assert span.status.status_code is StatusCode.ERROR


class TestAccessLog:
    async def test_has_one_line_a_request(
        self, client: httpx2.AsyncClient, records: list[dict[str, Any]]
    ) -> None:
        await client.get(f"{LIBRARY}/{game_id('absent')}", headers=bearer())

        (record,) = records
        extra = record["extra"]
        assert extra.pop("duration_ms") >= 0
        assert extra == {
            "method": "GET",
            "route": "/api/v1/library/{game_id}",
            "operation": "library.item",
            "status": 404,
        }

    async def test_knows_who_it_was(self, world: World, client: httpx2.AsyncClient) -> None:
        seen: list[Caller] = []
        handler = logger.add(lambda _: seen.append(current_caller()), format="")
        await client.get(LIBRARY, headers=bearer() | {"X-Request-ID": "req-1"})
        logger.remove(handler)

        assert [(caller.request_id, caller.actor_id) for caller in seen] == [("req-1", user_id("alice"))]

    async def test_never_shows_token_query_or_body(
        self, world: World, client: httpx2.AsyncClient, records: list[dict[str, Any]]
    ) -> None:
        world.list_library.raises = RuntimeError("a bug")

        await client.get(LIBRARY, params={"limit": "7"}, headers=bearer("alice"))
        await client.get(LIBRARY, params={"secret": "hunter2"}, headers=bearer("alice"))

        shown = " ".join(f"{record['message']} {record['extra']}" for record in records)
        assert not {word for word in ("alice.user", "Bearer", "limit", "hunter2", "secret") if word in shown}
