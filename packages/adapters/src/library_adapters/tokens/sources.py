"""Where key sets come from."""

import asyncio
from pathlib import Path
from typing import Protocol

import httpx2

from library_adapters.tokens.keys import MAX_KEY_SET_BYTES


class KeySourceFailed(Exception):
    """The key set could not be had; the cause is chained."""


class KeySource(Protocol):
    """Gives the issuer's key set as it is now."""

    async def fetch(self) -> bytes:
        """Return the JWK set, bounded in size and time.

        Raises KeySourceFailed.
        """
        ...


class FileSource:
    """A key set in a file, such as a mounted secret; a rotated file is seen when the keys' time is over."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def fetch(self) -> bytes:
        """Return what is in the file, at most one byte more than a key set may have."""
        try:
            return await asyncio.to_thread(self._read)
        except OSError as error:
            raise KeySourceFailed(f"{self._path}: {error.strerror}") from error

    def _read(self) -> bytes:
        with self._path.open("rb") as file:
            return file.read(MAX_KEY_SET_BYTES + 1)


class URLSource:
    """A key set behind an address that only configuration names: never a token's `jku` (ASVS 9.1.3)."""

    def __init__(self, url: str, *, client: httpx2.AsyncClient, timeout_seconds: float) -> None:
        self._url = url
        self._client = client
        self._timeout_seconds = timeout_seconds

    async def fetch(self) -> bytes:
        """GET the address, without redirects, within the timeout as a whole."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._get()
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            raise KeySourceFailed(f"the issuer's key set: {type(error).__name__}") from error

    async def _get(self) -> bytes:
        body = bytearray()
        # Read raw: a compressed answer, which was not asked for, could unfold beyond any bound.
        headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
        async with self._client.stream("GET", self._url, headers=headers) as response:
            if response.status_code != httpx2.codes.OK:
                raise KeySourceFailed(f"the issuer's key set: status {response.status_code}")
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_KEY_SET_BYTES:
                    raise KeySourceFailed("the issuer's key set: too large")
        return bytes(body)
