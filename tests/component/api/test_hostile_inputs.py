"""Requests that are no proper HTTP, or no end of it, against the real server (reliability D4)."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import httpx2
import pytest
from builders import user_id
from component.api.door import LIBRARY, data, refusal
from component.api.process import Process
from component.api.serving import authorization, client_at, environment, serving
from psycopg.conninfo import conninfo_to_dict

from library_devstack.stack import Postgres
from library_devstack.standins.issuer import Issuer

BODY_SECONDS = 0.5
CHUNK = b"2710\r\n" + b"a" * 10_000 + b"\r\n"


@dataclass
class Told:
    """What came back: empty when the connection was just closed."""

    received: bytes
    is_closed: bool

    @property
    def status(self) -> int | None:
        return int(self.received.split(b" ", 2)[1]) if self.received.startswith(b"HTTP/") else None


class Wire:
    """Sends bytes to the server as they are."""

    def __init__(self, process: Process, headers: dict[str, str]) -> None:
        self.process = process
        self._url = httpx2.URL(process.url)
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    def get(self, path: str = LIBRARY, headers: str = "") -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: library\r\n{self._headers}{headers}\r\n".encode("latin-1")

    def post(self, headers: str, body: bytes = b"") -> bytes:
        head = f"POST {LIBRARY}/categories HTTP/1.1\r\nHost: library\r\n{self._headers}"
        return f"{head}Content-Type: application/json\r\n{headers}\r\n".encode() + body

    async def send(self, data: bytes, more: Iterable[bytes] = ()) -> Told:
        """Send, and read until the server closes or has nothing more to say."""
        reader, writer = await asyncio.open_connection(self._url.host, self._url.port)
        sending = asyncio.create_task(_feed(writer, [data, *more]))
        received, is_closed = b"", False
        try:
            async with asyncio.timeout(5):
                received = await reader.read(65_536)
            async with asyncio.timeout(1):
                received += await reader.read()
                is_closed = True
        except TimeoutError:
            pass
        except ConnectionError:
            is_closed = True
        finally:
            sending.cancel()
            writer.close()
        return Told(received, is_closed)


async def _feed(writer: asyncio.StreamWriter, parts: Iterable[bytes]) -> None:
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
    except ConnectionError:
        pass  # the server has heard enough, which is what is tested


@pytest.fixture(scope="module")
async def wire(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Postgres,
    postgres_dsn_template: str,
    redis_url: str,
    issuer: Issuer,
) -> AsyncIterator[Wire]:
    template = str(conninfo_to_dict(postgres_dsn_template)["dbname"])
    environ = environment(
        database=postgres.create_database("hostile", template=template),
        redis_url=redis_url,
        issuer=issuer,
        LIBRARY_HTTP__BODY_TIMEOUT_SECONDS=str(BODY_SECONDS),
    )
    async with serving(tmp_path_factory.mktemp("hostile"), environ) as (process,):
        wire = Wire(process, authorization(issuer, user_id("mallory")))
        yield wire
        # Whatever came in, it serves on and had no error of its own.
        async with client_at(process) as client:
            assert (await client.get("/schema")).status_code == 200
        assert [line for line in process.logs if line["level"] in {"error", "critical"}] == []
    postgres.drop_database("hostile")


class TestFraming:
    """What cannot be told apart from the next request ends the connection."""

    @pytest.mark.parametrize(
        ("headers", "body"),
        [
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
            ("Content-Length: 7\r\nContent-Length: 8\r\n", b'{"a":1} '),
            ("Content-Length: -5\r\n", b'{"a":1}'),
            ("Content-Length: abc\r\n", b'{"a":1}'),
            ("Content-Length: 5\r\n", b'{"name":"too short a length"}'),
            ("Transfer-Encoding: chunked\r\n", b"zz\r\n\r\n"),
            ("Transfer-Encoding: gzip\r\n", b"x"),
            ("Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
        ],
    )
    async def test_is_refused_and_the_connection_closed(self, wire: Wire, headers: str, body: bytes) -> None:
        told = await wire.send(wire.post(headers, body))

        assert told.status == 400
        assert told.is_closed

    @pytest.mark.parametrize(
        "request_line",
        [b"GET /\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n"],
    )
    async def test_what_is_no_http_1_is_not_answered_at_length(self, wire: Wire, request_line: bytes) -> None:
        told = await wire.send(request_line)

        assert told.status in {None, 400}
        assert told.is_closed


class TestHeads:
    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ("".join(f"X-{n}: a\r\n" for n in range(200)), 431),
            (f"X-Large: {'a' * 1_000_000}\r\n", 431),
            ("X-Nul: a\0b\r\n", 400),
            ("X-Bare: a\rb\r\n", 400),
            (" X-Folded: a\r\n", 400),
            ("X Space: a\r\n", 400),
        ],
    )
    async def test_too_many_too_large_or_malformed_headers(
        self, wire: Wire, headers: str, status: int
    ) -> None:
        told = await wire.send(wire.get(headers=headers))

        assert told.status == status

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            (f"{LIBRARY}/{'a' * 100_000}", 414),
            (f"{LIBRARY}/\0", 400),
            (f"{LIBRARY}/%00", 404),
            (f"{LIBRARY}/..%2f..%2fetc%2fpasswd", 404),
            (f"{LIBRARY}/%ff%fe", 404),
            (f"{LIBRARY}/{'a' * 10_000}", 404),
            (f"{LIBRARY}?{'&'.join(f'a{n}=1' for n in range(2_000))}", 400),
            (f"{LIBRARY}?q=%ff", 400),
            (f"{LIBRARY}?%c3=1", 400),
            (f"{LIBRARY}?q=%ed%a0%80", 400),
            (f"{LIBRARY}?q={'%F0%9F%98%80' * 2_000}", 400),
        ],
    )
    async def test_paths_and_queries(self, wire: Wire, path: str, status: int) -> None:
        told = await wire.send(wire.get(path))

        assert told.status == status

    async def test_two_hosts_are_refused(self, wire: Wire) -> None:
        told = await wire.send(wire.get(headers="Host: elsewhere\r\n"))

        assert told.status == 400
        assert b'"field":"Host","reason":"repeated"' in told.received

    @pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "QUERY", "A" * 100])
    async def test_other_methods(self, wire: Wire, method: str) -> None:
        told = await wire.send(wire.get().replace(b"GET", method.encode(), 1))

        assert told.status in {404, 405}

    async def test_a_head_brings_no_body_that_would_be_the_next_answer(self, wire: Wire) -> None:
        told = await wire.send(
            wire.get().replace(b"GET", b"HEAD", 1) + wire.get(headers="Connection: close\r\n")
        )

        head, _, rest = told.received.partition(b"\r\n\r\n")
        assert (told.status, rest[:15]) == (200, b"HTTP/1.1 200 OK")
        length = len(rest.partition(b"\r\n\r\n")[2])
        assert f"content-length: {length}\r\n".encode() in head.lower()


class TestBodies:
    async def test_ten_megabytes(self, wire: Wire) -> None:
        told = await wire.send(wire.post("Content-Length: 10000000\r\n"), [b"a" * 100_000] * 100)

        assert told.status in {413, None}
        assert told.is_closed

    async def test_a_chunked_body_that_is_too_large(self, wire: Wire) -> None:
        told = await wire.send(wire.post("Transfer-Encoding: chunked\r\n", CHUNK * 7 + b"0\r\n\r\n"))

        assert told.status == 413
        assert b"PAYLOAD_TOO_LARGE" in told.received
        assert told.is_closed

    async def test_a_chunked_body_without_an_end(self, wire: Wire) -> None:
        told = await wire.send(wire.post("Transfer-Encoding: chunked\r\n"), [CHUNK] * 2_000)

        # The answer may be lost in the reset of a connection that still sends.
        assert told.status in {413, None}
        assert told.is_closed

    @pytest.mark.parametrize("body", [b"", b'{"name": "never fin'])
    async def test_one_that_does_not_come_is_not_waited_for(self, wire: Wire, body: bytes) -> None:
        told = await wire.send(wire.post("Content-Length: 100\r\n", body))

        assert told.status == 408
        assert b"REQUEST_TIMEOUT" in told.received
        assert told.is_closed

    async def test_one_that_trickles_is_not_waited_for_either(self, wire: Wire) -> None:
        url = httpx2.URL(wire.process.url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(wire.post("Content-Length: 100\r\n"))

        async def trickle() -> None:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(BODY_SECONDS / 5)

        trickling = asyncio.create_task(trickle())
        try:
            async with asyncio.timeout(5):
                told = await reader.read(100)
        finally:
            trickling.cancel()
            writer.close()

        assert told.startswith(b"HTTP/1.1 408")

    async def test_a_client_that_goes_away_is_no_error(self, wire: Wire) -> None:
        url = httpx2.URL(wire.process.url)
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(wire.post("Content-Length: 100\r\n", b'{"na'))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

        def logged() -> bool:
            return any(
                line.get("operation") == "categories.create" and line.get("status") == 400
                for line in wire.process.logs
            )

        async with asyncio.timeout(5):
            while not logged():  # noqa: ASYNC110 - another process sets no event of ours
                await asyncio.sleep(0.02)


async def test_a_good_request_is_served_among_all_this(wire: Wire, issuer: Issuer) -> None:
    async with client_at(wire.process) as client:
        response = await client.get(LIBRARY, headers=authorization(issuer, user_id("alice")))
        stranger = await client.get(LIBRARY, headers={"Authorization": "Bearer " + "a" * 100_000})

    assert data(response)["items"] == []
    assert stranger.status_code in {401, 431}
    if stranger.status_code == 401:
        assert refusal(stranger)[:2] == (401, "UNAUTHORIZED")
