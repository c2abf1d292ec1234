"""The process over its life: start, bad days, graceful end (issue 2; reliability rows 5 to 7, A6, B1, B3, B11)."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx2
import pytest
from builders import user_id
from component.api.door import LIBRARY, data, refusal
from component.api.process import LOOPBACK, Process, account_away, eventually, free_port, spawned, started

from library_devstack.stack import Postgres
from library_devstack.standins.issuer import Issuer


@pytest.fixture
def environ(issuer: Issuer) -> dict[str, str]:
    """Give settings with a database that is away."""
    return {
        "LIBRARY_POSTGRES__DSN": f"postgresql://library@{LOOPBACK}:{free_port()}/library",
        "LIBRARY_REDIS__URL": f"redis://{LOOPBACK}:{free_port()}",
        "LIBRARY_HTTP__CURSOR_KEY": "a key of thirty-two characters or more",
        "LIBRARY_TOKENS__ISSUER": issuer.url,
        "LIBRARY_TOKENS__JWKS_URL": issuer.jwks_url,
        **account_away(),
    }


@pytest.fixture
def headers(issuer: Issuer) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.mint(user_id('alice'))}"}


@asynccontextmanager
async def black_hole() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Give the DSN of a database that takes connections and never answers, and an event for the first of them."""
    asked = asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        while await reader.read(1024):
            pass
        writer.close()

    server = await asyncio.start_server(swallow, LOOPBACK, 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"postgresql://library@{LOOPBACK}:{port}/library", asked
    finally:
        server.close()


def in_progress(metrics: str) -> float:
    line = next(each for each in metrics.splitlines() if each.startswith("library_requests_in_progress{"))
    return float(line.rpartition(" ")[2])


async def a_request_is_in_progress(process: Process) -> bool:
    async with httpx2.AsyncClient() as client:
        return in_progress((await client.get(f"{process.management_url}/metrics")).text) == 1


class TestServing:
    async def test_answers_from_the_database_for_a_token_of_the_issuer(
        self, tmp_path: Path, environ: dict[str, str], headers: dict[str, str], database: str
    ) -> None:
        async with (
            started(tmp_path, environ | {"LIBRARY_POSTGRES__DSN": database}) as process,
            httpx2.AsyncClient(base_url=process.url) as client,
        ):
            page = data(await client.get(LIBRARY, headers=headers))
            stranger = refusal(await client.get(LIBRARY, headers={"Authorization": "Bearer a.b.c"}))

            assert page == {"items": [], "total": 0, "limit": 20, "offset": 0, "next_cursor": None}
            assert stranger == (401, "UNAUTHORIZED", {})
            assert await process.stop() == 0

    async def test_logs_json_with_request_user_and_trace_and_without_the_token(
        self, tmp_path: Path, environ: dict[str, str], headers: dict[str, str]
    ) -> None:
        async with started(tmp_path, environ) as process:
            async with httpx2.AsyncClient(base_url=process.url) as client:
                await client.get(LIBRARY, headers=headers | {"X-Request-ID": "req-1"})
            await process.stop()

            (line,) = [each for each in process.logs if each.get("operation") == "library.list"]
            assert (line["component"], line["request_id"], line["user_id"]) == (
                "api",
                "req-1",
                str(user_id("alice")),
            )
            assert len(line["trace_id"]) == 32
            assert headers["Authorization"].removeprefix("Bearer ") not in process.output.read_text(
                encoding="utf-8"
            )

    async def test_a_slow_head_is_not_waited_for(self, tmp_path: Path, environ: dict[str, str]) -> None:
        async with started(tmp_path, environ | {"LIBRARY_HTTP__HEADER_TIMEOUT_SECONDS": "0.2"}) as process:
            url = httpx2.URL(process.url)
            reader, writer = await asyncio.open_connection(url.host, url.port)
            writer.write(b"GET /api/v1/library HTTP/1.1\r\nHost: ")

            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()


class TestBadDays:
    async def test_without_postgres_it_starts_and_answers_503_within_the_pools_timeout(
        self, tmp_path: Path, environ: dict[str, str], headers: dict[str, str]
    ) -> None:
        async with started(tmp_path, environ) as process, httpx2.AsyncClient(base_url=process.url) as client:
            before = monotonic()
            response = await client.get(LIBRARY, headers=headers)

            assert monotonic() - before < 2
            assert refusal(response) == (503, "DEPENDENCY_UNAVAILABLE", {"dependency": "postgres"})
            assert int(response.headers["Retry-After"]) >= 1

            async def reported_down() -> bool:
                status, body = await process.readiness() or (0, {})
                return status == 200 and body["dependencies"]["postgres"]["status"] == "down"

            await eventually(reported_down, within=10)

    async def test_it_recovers_within_five_seconds_of_postgres_without_a_restart(
        self,
        tmp_path: Path,
        environ: dict[str, str],
        headers: dict[str, str],
        postgres: Postgres,
        database: str,
    ) -> None:
        async with (
            started(tmp_path, environ | {"LIBRARY_POSTGRES__DSN": database}) as process,
            httpx2.AsyncClient(base_url=process.url) as client,
        ):
            assert (await client.get(LIBRARY, headers=headers)).status_code == 200
            await asyncio.to_thread(postgres.stop)
            try:
                away = [(await client.get(LIBRARY, headers=headers)).status_code for _ in range(3)]
            finally:
                await asyncio.to_thread(postgres.start)

            async def answers() -> bool:
                return (await client.get(LIBRARY, headers=headers)).status_code == 200

            assert away == [503, 503, 503]
            await eventually(answers, within=5)

    async def test_without_the_issuer_it_answers_503(
        self, tmp_path: Path, environ: dict[str, str], headers: dict[str, str]
    ) -> None:
        nobody = f"http://{LOOPBACK}:{free_port()}/jwks.json"
        async with (
            started(tmp_path, environ | {"LIBRARY_TOKENS__JWKS_URL": nobody}) as process,
            httpx2.AsyncClient(base_url=process.url) as client,
        ):
            response = await client.get(LIBRARY, headers=headers)

            assert refusal(response) == (503, "DEPENDENCY_UNAVAILABLE", {"dependency": "token-issuer"})


class TestStop:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    async def test_an_idle_process_ends_with_0(
        self, tmp_path: Path, environ: dict[str, str], number: signal.Signals
    ) -> None:
        async with started(tmp_path, environ) as process:
            assert await process.stop(number) == 0

            assert [each["message"] for each in process.logs if each["level"] == "info"][-2:] == [
                "draining",
                "stopped",
            ]

    async def test_a_request_in_progress_is_answered_while_new_ones_are_not_taken(
        self, tmp_path: Path, environ: dict[str, str], headers: dict[str, str]
    ) -> None:
        async with black_hole() as (dsn, asked):
            environ |= {"LIBRARY_POSTGRES__DSN": dsn, "LIBRARY_POSTGRES__POOL_TIMEOUT_SECONDS": "2"}
            async with (
                started(tmp_path, environ) as process,
                httpx2.AsyncClient(base_url=process.url) as client,
            ):
                await asyncio.wait_for(asked.wait(), 5)
                request = asyncio.create_task(client.get(LIBRARY, headers=headers))
                await eventually(lambda: a_request_is_in_progress(process), within=5)

                process.process.send_signal(signal.SIGTERM)

                async def drains() -> bool:
                    readiness = await process.readiness()
                    return (
                        readiness is not None and readiness[0] == 503 and readiness[1]["status"] == "draining"
                    )

                await eventually(drains, within=5)
                with pytest.raises(httpx2.TransportError):
                    async with httpx2.AsyncClient(base_url=process.url) as late:
                        await late.get(LIBRARY, headers=headers)
                assert refusal(await request)[0] == 503
                assert await asyncio.wait_for(process.process.wait(), 10) == 0

    async def test_what_takes_too_long_is_given_up(
        self, tmp_path: Path, environ: dict[str, str], headers: dict[str, str]
    ) -> None:
        async with black_hole() as (dsn, _):
            environ |= {
                "LIBRARY_POSTGRES__DSN": dsn,
                "LIBRARY_POSTGRES__POOL_TIMEOUT_SECONDS": "30",
                "LIBRARY_HTTP__OPERATION_TIMEOUT_SECONDS": "30",
                "LIBRARY_HTTP__DRAIN_TIMEOUT_SECONDS": "0.3",
            }
            async with (
                started(tmp_path, environ) as process,
                httpx2.AsyncClient(base_url=process.url) as client,
            ):
                request = asyncio.create_task(client.get(LIBRARY, headers=headers, timeout=30))
                await eventually(lambda: a_request_is_in_progress(process), within=5)

                assert await process.stop(within=8) == 0
                assert "requests in progress are given up" in {each["message"] for each in process.logs}
                # Closing the pool wakes it, so that mostly it is even answered.
                (outcome,) = await asyncio.gather(request, return_exceptions=True)
                assert not isinstance(outcome, httpx2.Response) or refusal(outcome)[0] == 503

    async def test_a_killed_process_leaves_nothing_behind(
        self, tmp_path: Path, environ: dict[str, str]
    ) -> None:
        async with started(tmp_path, environ) as process:
            await process.stop(signal.SIGKILL)

            with pytest.raises(httpx2.ConnectError):
                async with httpx2.AsyncClient() as client:
                    await client.get(process.url)


class TestRefusedStart:
    async def test_a_bad_setting_ends_it_with_2_and_the_fields_name(
        self, tmp_path: Path, environ: dict[str, str]
    ) -> None:
        secret = "postgresql://library:hunter2@nowhere/library"
        environ |= {"LIBRARY_POSTGRES__DSN": secret, "LIBRARY_HTTP__PORT": "eighty"}

        async with spawned(tmp_path, environ) as process:
            assert await asyncio.wait_for(process.process.wait(), 20) == 2

            said = process.output.read_text(encoding="utf-8")
            assert "http.port (LIBRARY_HTTP__PORT)" in said
            assert "hunter2" not in said

    @pytest.mark.parametrize("variable", ["LIBRARY_HTTP__PORT", "LIBRARY_MANAGEMENT__PORT"])
    async def test_a_taken_port_ends_it_with_1(
        self, tmp_path: Path, environ: dict[str, str], variable: str
    ) -> None:
        with socket.create_server((LOOPBACK, 0)) as taken:
            environ |= {variable: str(taken.getsockname()[1])}

            async with spawned(tmp_path, environ) as process:
                assert await asyncio.wait_for(process.process.wait(), 20) == 1

                assert "Address already in use" in process.output.read_text(encoding="utf-8")
