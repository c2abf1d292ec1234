"""The whole of it over loopback."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from unit.adapters.tokens.issuing import ISSUER, FixedClock, Issuer, jwks

from library_adapters.tokens import KeySourceFailed, TokenSettings, open_verifier
from library_domain.shared.access import Role
from library_domain.shared.errors import DependencyUnavailable


@contextmanager
def serving(document: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/jwks"
        finally:
            server.shutdown()
            thread.join()


async def test_tokens_are_verified_with_keys_from_the_issuers_address(issuer: Issuer) -> None:
    with serving(jwks("rsa")) as url:
        settings = TokenSettings(issuer=ISSUER, jwks_url=url)

        async with open_verifier(settings, clock=FixedClock(), registry=CollectorRegistry()) as verifier:
            identity = await verifier.verify(issuer.token(role="admin"))

    assert identity.roles == {Role.ADMIN}


async def test_an_issuer_that_is_away_does_not_stop_the_start(issuer: Issuer) -> None:
    settings = TokenSettings(issuer=ISSUER, jwks_url="http://127.0.0.1:9/jwks")

    async with open_verifier(settings, clock=FixedClock(), registry=CollectorRegistry()) as verifier:
        with pytest.raises(DependencyUnavailable):
            await verifier.verify(issuer.token())


async def test_keys_may_come_from_a_file(issuer: Issuer, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    await asyncio.to_thread(file.write_bytes, jwks("okp"))
    settings = TokenSettings(issuer=ISSUER, jwks_file=file)

    async with open_verifier(settings, clock=FixedClock(), registry=CollectorRegistry()) as verifier:
        identity = await verifier.verify(issuer.token(key="okp"))

    assert identity.roles == {Role.USER}


@pytest.mark.parametrize("content", [None, b"{}"])
async def test_a_file_without_keys_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "jwks.json"
    if content is not None:
        await asyncio.to_thread(file.write_bytes, content)

    with pytest.raises(KeySourceFailed):
        async with open_verifier(
            TokenSettings(issuer=ISSUER, jwks_file=file), clock=FixedClock(), registry=CollectorRegistry()
        ):
            pytest.fail("it started")


@pytest.mark.parametrize(
    "sources", [{}, {"jwks_url": "https://issuer.test/jwks", "jwks_file": Path("jwks.json")}]
)
def test_exactly_one_source_of_keys_is_needed(sources: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        TokenSettings(issuer=ISSUER, **sources)  # type: ignore[arg-type]
