"""Hostile tokens at the door, over real HTTP (reliability F): one answer for all of them, and nothing told.

The server, the door and the verifier are the real ones; the clock stands still, because many a token is refused by a
second, and the keys are those of the tests' issuer.
"""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from typing import Any

import pytest
from component.api.door import LIBRARY, World, refusal
from component.api.process import LOOPBACK, free_port
from component.api.raw import Answer, Connection
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from unit.adapters.tokens.hostile import HOSTILE, Make
from unit.adapters.tokens.issuing import AUDIENCE, ISSUER, FakeSource, FixedClock, Issuer, jwks

from library_adapters.telemetry import LogSettings
from library_adapters.tokens import KeyStore, TokenMetrics, TokenSettings, TokenVerifier
from library_api.app import create_app
from library_api.server import serve
from library_api.settings import HTTPSettings

NOT_HTTP = {"nul", "line_break"}
"""These end a header or make it none: the server refuses the one, and reads the other without its end."""
TOO_LARGE = {"a_hundred_kilobytes"}
CASES = [
    pytest.param(make, id=f"{group}-{name}")
    for group, cases in HOSTILE.items()
    for name, make in cases.items()
    if name not in NOT_HTTP | TOO_LARGE
]


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    """Serve the door with a verifier of the issuer's tokens."""
    keys = KeyStore(
        FakeSource(jwks("rsa", "ec", "okp")), ttl_seconds=600, metrics=TokenMetrics(CollectorRegistry())
    )
    settings = TokenSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url="https://issuer.test/jwks")
    tokens = TokenVerifier(settings, keys=keys, clock=FixedClock(), metrics=TokenMetrics(CollectorRegistry()))
    http = HTTPSettings(
        host=IPv4Address(LOOPBACK), port=free_port(), cursor_key=SecretStr("a key of thirty-two characters")
    )
    stop, listening = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(
        serve(
            create_app(World().application(tokens=tokens)),
            http,
            logs=LogSettings(),
            stop=stop,
            on_listening=listening.set,
            on_stopping=lambda: None,
        )
    )
    async with asyncio.timeout(10):
        await listening.wait()
    yield http.port
    stop.set()
    await serving


async def ask(port: int, *headers: bytes, query: str = "") -> Answer:
    """Ask for the library with these lines in the head, which no client library would send."""
    lines = (b"Host: library", b"Connection: close", b"X-Request-ID: the-same", *headers)
    async with Connection(LOOPBACK, port) as connection:
        return await connection.ask(f"GET {LIBRARY}{query} HTTP/1.1".encode(), *lines)


def bearer(token: str, scheme: str = "Bearer") -> bytes:
    return f"Authorization: {scheme} ".encode() + token.encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
async def refused(port: int) -> Answer:
    """Give the answer to a token that is none at all; every other refusal is the same."""
    answer = await ask(port, bearer("none"))

    assert refusal(answer.response) == (401, "UNAUTHORIZED", {})
    return answer


def same(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """Return what must not depend on the token: all but the count of requests and the time of day."""
    varying = {"ratelimit-remaining", "ratelimit-reset", "date"}
    return (
        answer.status,
        {name: value for name, value in answer.headers.items() if name not in varying},
        answer.body,
    )


@pytest.mark.parametrize("make", CASES)
async def test_a_hostile_token_is_refused_like_any_other(
    port: int, refused: Answer, make: Make, records: list[dict[str, Any]]
) -> None:
    answer = await ask(port, bearer(make(Issuer())))

    assert same(answer) == same(refused)
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert not [each for each in records if each["exception"] is not None or each["level"].no > 30]


def test_there_are_at_least_a_hundred() -> None:
    assert len(CASES) >= 100


async def test_a_token_with_a_nul_is_no_http(port: int) -> None:
    assert (await ask(port, bearer(HOSTILE["form"]["nul"](Issuer())))).status == 400


async def test_a_token_of_a_hundred_kilobytes_is_refused(port: int) -> None:
    assert (await ask(port, bearer(HOSTILE["form"]["a_hundred_kilobytes"](Issuer())))).status in {401, 431}


async def test_a_good_token_opens_the_door(port: int) -> None:
    assert (await ask(port, bearer(Issuer().token()))).status == 200


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"])
async def test_the_scheme_is_read_in_any_case(port: int, scheme: str) -> None:
    """RFC 9110 11.1."""
    assert (await ask(port, bearer(Issuer().token(), scheme))).status == 200


@pytest.mark.parametrize("scheme", ["Token", "JWT", "Basic", "DPoP", "Bearer:", "Bearer,"])
async def test_no_other_scheme_is_read(port: int, refused: Answer, scheme: str) -> None:
    assert same(await ask(port, bearer(Issuer().token(), scheme))) == same(refused)


@pytest.mark.parametrize("name", ["access_token", "token", "authorization", "jwt"])
async def test_a_token_in_the_query_is_not_looked_at(port: int, name: str) -> None:
    """RFC 6750 2.3 allows it, and RFC 9700 4.3.2 forbids it: addresses are logged everywhere."""
    good = Issuer().token()

    alone = await ask(port, query=f"?{name}={good}")
    beside = await ask(port, bearer(good), query=f"?{name}={good}")

    assert (alone.status, alone.headers["www-authenticate"]) == (401, "Bearer")
    assert beside.status == 400


async def test_two_headers_are_refused_however_good_they_are(port: int, refused: Answer) -> None:
    good = bearer(Issuer().token())

    assert same(await ask(port, good, good)) == same(refused)
    assert same(await ask(port, good, b"authorization: Basic bm9ib2R5Og==")) == same(refused)


@pytest.mark.parametrize(
    "header", [b"Cookie: access_token=", b"X-Access-Token: ", b"Proxy-Authorization: Bearer "]
)
async def test_a_token_anywhere_else_is_not_looked_at(port: int, header: bytes) -> None:
    answer = await ask(port, header + Issuer().token().encode())

    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
