"""HTTP/1.1 GETs for load at a fixed rate, which wrk cannot make: one at a time on a connection, read by hand."""

import asyncio
import re
from collections.abc import Callable
from typing import cast

Done = Callable[[bool], None]
"""Told of each request, once: whether it was answered with a status below 400."""

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_WITHOUT_BODY = (b"204", b"304")
_REFUSED = b"4"


class Gets(asyncio.Protocol):
    """One connection. Its owner begins a request only when the one before was answered."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._done: Done | None = None
        self._received = b""

    @property
    def is_open(self) -> bool:
        """Tell whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what we write to."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell the request under way that nothing will come."""
        self._transport = None
        self._finish(is_good=False)

    def get(self, request: bytes, done: Done) -> None:
        """Send a request, whole as it is written; `done` is told when it is answered."""
        if self._transport is None:
            done(False)  # noqa: FBT003 - whether it was answered
            return
        self._done = done
        self._transport.write(request)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Read on; the answer is there when as many bytes as it announces are."""
        self._received += data
        end = self._received.find(_END_OF_HEAD)
        if end < 0:
            return
        head = self._received[: end + 2]
        status = head[9:12]
        length = _LENGTH.search(head)
        if length is None and status not in _WITHOUT_BODY:
            # Without a length an answer has no end that we know.
            self.close()
            return
        expected = end + len(_END_OF_HEAD) + (int(length[1]) if length and status not in _WITHOUT_BODY else 0)
        if len(self._received) >= expected:
            self._received = self._received[expected:]
            self._finish(is_good=status < _REFUSED)

    def _finish(self, *, is_good: bool) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(is_good)
