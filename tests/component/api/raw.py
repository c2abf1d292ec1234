"""HTTP by hand: requests that no client library would send, and many of them for little."""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx2

_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """What came back, as it was on the wire; the names of headers in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def response(self) -> httpx2.Response:
        """Return the same for those who look at responses."""
        return httpx2.Response(self.status, headers=self.headers, content=self.body)


class Connection:
    """One connection to a server, for one request after another."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def ask(self, *lines: bytes, body: bytes = b"") -> Answer:
        """Send a request of these lines and this body, and return the answer."""
        self._writer.write(b"\r\n".join([*lines, b"", b""]) + body)
        async with asyncio.timeout(_SECONDS):
            head = await self._reader.readuntil(b"\r\n\r\n")
            first, *rest = head.decode("latin-1").rstrip().split("\r\n")
            named = (line.partition(": ") for line in rest)
            headers = {name.lower(): value for name, _, value in named}
            received = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(first.split(" ")[1]), headers, received)
