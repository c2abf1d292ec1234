import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest
from unit.adapters.tokens.issuing import jwks

from library_adapters.tokens import FileSource, KeySourceFailed, URLSource

URL = "https://issuer.test/jwks"
Respond = Callable[[httpx2.Request], httpx2.Response]


async def fetch(respond: Respond) -> bytes:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(respond)) as client:
        return await URLSource(URL, client=client, timeout_seconds=1).fetch()


def refuse_connection(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("refused", request=request)


async def test_the_key_set_is_what_the_address_answers() -> None:
    def respond(request: httpx2.Request) -> httpx2.Response:
        assert str(request.url) == URL
        assert request.headers["accept-encoding"] == "identity"
        return httpx2.Response(200, stream=httpx2.ByteStream(jwks("ec")))

    assert await fetch(respond) == jwks("ec")


@pytest.mark.parametrize(
    "respond",
    [
        pytest.param(lambda _: httpx2.Response(500, content=jwks("ec")), id="status_500"),
        pytest.param(lambda _: httpx2.Response(204), id="status_204"),
        pytest.param(
            lambda _: httpx2.Response(302, headers={"Location": "https://attacker.test"}), id="redirect"
        ),
        pytest.param(
            lambda _: httpx2.Response(200, stream=httpx2.ByteStream(b" " * 10_000_000)), id="ten_megabytes"
        ),
        pytest.param(refuse_connection, id="refused"),
    ],
)
async def test_anything_but_a_small_good_answer_is_a_failure(respond: Respond) -> None:
    with pytest.raises(KeySourceFailed):
        await fetch(respond)


async def test_an_endless_answer_is_left_at_the_bound() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    with pytest.raises(KeySourceFailed):
        await fetch(lambda _: httpx2.Response(200, content=endless()))

    assert sent < 1_000_000


async def test_a_silent_issuer_is_left_when_the_time_is_over() -> None:
    async def silence(_: httpx2.Request) -> httpx2.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(silence)) as client:
        with pytest.raises(KeySourceFailed):
            await URLSource(URL, client=client, timeout_seconds=0.01).fetch()


async def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    source = FileSource(file)
    with pytest.raises(KeySourceFailed):
        await source.fetch()

    file.write_bytes(jwks("ec"))

    assert await source.fetch() == jwks("ec")
