"""Unary gRPC calls for load: HTTP/2 frames written and read by hand, because a client must cost less than the server.

A call through h2, which grpclib stands on, costs as much as serving it; on a machine that load and server share, a
client of that kind would measure itself. So the head of a request is packed once and sent unchanged, and an answer is
only looked at as far as whether a message came. What the messages say is compared before any load, see `parity`.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from struct import Struct
from typing import cast

from hpack import Encoder

_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_INITIAL_WINDOW_SIZE, _INITIAL_WINDOW, _GENEROUS = 4, 65_535, 1 << 24
_HEAD_BYTES = 9
_CANCEL = 8
_PREFIX_BYTES = 5
"""Of a message: whether it is compressed, and its length."""
_MAX_FRAME = 16_384
_FIRST_STREAM, _LAST_STREAM = 1, (1 << 31) - 1
_word = Struct(">I")
_setting = Struct(">HI")

Done = Callable[[bool], None]
"""Told of each call, once: whether a message came."""


class Calls(asyncio.Protocol):
    """One connection. A call begun on it is answered, or its `done` hears False when the connection ends."""

    def __init__(self, *, path: str, authority: str, token: str) -> None:
        self._first_head, self._head = packed_heads(path=path, authority=authority, token=token)
        self._transport: asyncio.Transport | None = None
        self._next_stream = _FIRST_STREAM
        self._window = _INITIAL_WINDOW
        self._unacknowledged = 0
        self._received = b""
        self._answered: dict[int, Done] = {}
        self._with_message: set[int] = set()
        self._waiting: deque[tuple[bytes, Done]] = deque()
        self.closing = False
        """The server wants no more calls on this connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what HTTP/2 begins with, and that answers need not wait for us."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(PREFACE)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell every call that nothing will come."""
        self.closing = True
        self._fail(list(self._answered))
        while self._waiting:
            self._waiting.popleft()[1](False)  # noqa: FBT003 - whether it was answered

    def call(self, message: bytes, done: Done) -> None:
        """Send a message of less than 16 KiB; `done` is told when it is answered."""
        if self.closing or self._transport is None:
            done(False)  # noqa: FBT003 - whether it was answered
        elif len(message) + _PREFIX_BYTES > self._window:
            self._waiting.append((message, done))
        else:
            self._send(self._transport, message, done)

    def close(self) -> None:
        """End the connection."""
        self.closing = True
        if self._transport is not None:
            self._transport.close()

    def _send(self, transport: asyncio.Transport, message: bytes, done: Done) -> None:
        stream, body = self._next_stream, b"\0" + _word.pack(len(message)) + message
        head = self._first_head if stream == _FIRST_STREAM else self._head
        self._next_stream += 2
        self._window -= len(body)
        self._answered[stream] = done
        transport.write(begin_frame(stream, head) + _frame(_DATA, _END_STREAM, stream, body))

    def data_received(self, data: bytes) -> None:
        """Read the frames that are complete."""
        received, position = self._received + data, 0
        while position + _HEAD_BYTES <= len(received):
            end = position + _HEAD_BYTES + int.from_bytes(received[position : position + 3], "big")
            if end > len(received):
                break
            kind, flags = received[position + 3], received[position + 4]
            (stream,) = _word.unpack_from(received, position + 5)
            self._read(kind, flags, stream & _LAST_STREAM, received[position + _HEAD_BYTES : end])
            position = end
        self._received = received[position:]

    def _read(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _DATA:
            self._consume(len(payload))
            if len(payload) > _PREFIX_BYTES:
                self._with_message.add(stream)
        if kind in {_DATA, _HEADERS}:
            if flags & _END_STREAM and (done := self._answered.pop(stream, None)):
                is_good = stream in self._with_message
                self._with_message.discard(stream)
                done(is_good)
        elif kind == _RST_STREAM:
            self._fail([stream])
        elif kind == _WINDOW_UPDATE and stream == 0:
            self._window += _word.unpack(payload)[0]
            self._send_waiting()
        elif kind in {_SETTINGS, _PING} and not flags & _ACK:
            self._write(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        elif kind == _GOAWAY:
            self.closing = True
            last = _word.unpack_from(payload)[0] & _LAST_STREAM
            self._fail([each for each in self._answered if each > last])

    def _consume(self, count: int) -> None:
        """Give the window back in large pieces."""
        self._unacknowledged += count
        if self._unacknowledged > _GENEROUS // 2:
            self._write(_more(self._unacknowledged))
            self._unacknowledged = 0

    def _send_waiting(self) -> None:
        while self._waiting and self._transport and len(self._waiting[0][0]) + _PREFIX_BYTES <= self._window:
            self._send(self._transport, *self._waiting.popleft())

    def _fail(self, streams: list[int]) -> None:
        for stream in streams:
            self._with_message.discard(stream)
            if done := self._answered.pop(stream, None):
                done(False)  # noqa: FBT003 - whether it was answered

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def packed_heads(*, path: str, authority: str, token: str) -> tuple[bytes, bytes]:
    """Return the head of a connection's first call, and that of the others.

    As Go's and Java's clients have it: the first call teaches the server every line, the others send its number.
    """
    head = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": authority,
        "te": "trailers",
        "content-type": "application/grpc",
        "grpc-timeout": "5S",
        "authorization": f"Bearer {token}",
    }
    encoder = Encoder()
    return encoder.encode(list(head.items())), encoder.encode(list(head.items()))


def begin_frame(stream: int, head: bytes) -> bytes:
    """Return what begins a call."""
    return _frame(_HEADERS, _END_HEADERS, stream, head)


def data_frame(stream: int, data: bytes) -> bytes:
    """Return a part of a request, and not its last."""
    return _frame(_DATA, 0, stream, data)


def ping_frame(payload: bytes) -> bytes:
    """Return what the server answers with the same eight bytes, after all that came before."""
    return _frame(_PING, 0, 0, payload)


def reset_frame(stream: int) -> bytes:
    """Return what takes a call back."""
    return _frame(_RST_STREAM, 0, stream, _word.pack(_CANCEL))


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    if len(payload) > _MAX_FRAME:
        msg = f"{len(payload)} bytes do not fit into a frame"
        raise ValueError(msg)
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + _word.pack(stream) + payload


def _more(count: int) -> bytes:
    return _frame(_WINDOW_UPDATE, 0, 0, _word.pack(count))


PREFACE = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + _frame(_SETTINGS, 0, 0, _setting.pack(_INITIAL_WINDOW_SIZE, _GENEROUS))
    + _more(_GENEROUS)
)
"""What a connection begins with; answers need not wait for us."""
