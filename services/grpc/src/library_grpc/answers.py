"""Unary answers in few writes (performance.md): grpclib writes head, message and trailers of each one after another.

Here h2 keeps the three until the end of the event loop's turn, together with the other answers on the connection: those whose
rows came in one batch are ready in the same turn. Refusals, and answers that are larger than the flow-control window of their
stream, are written by grpclib; whatever it writes comes after what waits here.
"""

import asyncio
import struct
from contextvars import Context
from typing import Any, Generic, TypeVar

from grpclib.const import Status
from grpclib.protocol import Connection
from grpclib.server import Stream
from h2.exceptions import StreamClosedError

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")

_PREFIX = struct.Struct(">BI")
_TRAILERS = [("grpc-status", str(Status.OK.value))]


class Writes:
    """Writes once in a turn of the event loop what h2 has for connections."""

    def __init__(self) -> None:
        self._connections: set[Connection] = set()

    def soon(self, connection: Connection) -> None:
        """Let the connection write at the end of this turn, if nothing else makes it write before."""
        if not self._connections:
            asyncio.get_running_loop().call_soon(self._write, context=Context())
        self._connections.add(connection)

    def _write(self) -> None:
        connections, self._connections = self._connections, set()
        for connection in connections:
            if not connection.is_closing():
                connection.flush()


class UnaryStream(Generic[RequestT, AnswerT]):
    """What a unary method sees of its stream: the answer is kept until `finish`."""

    def __init__(self, stream: Stream[RequestT, AnswerT], writes: Writes) -> None:
        self._stream = stream
        self._writes = writes
        self._answers: list[AnswerT] = []

    async def recv_message(self) -> RequestT | None:
        """See grpclib."""
        return await self._stream.recv_message()

    async def send_message(self, message: AnswerT) -> None:
        """Take the answer; there is one."""
        self._answers.append(message)

    async def finish(self) -> None:
        """Send the answer, and that all is well.

        Raises Refusal for one that is too long, StreamClosedError when the caller has left.
        """
        (message,) = self._answers
        await _send(self._stream, message, self._writes)


async def _send(stream: Stream[Any, Any], message: object, writes: Writes) -> None:
    """Send the answer. There is no public way below grpclib's `send_message`.

    The events of what goes well are not told: nobody listens to them.
    """
    body = stream._codec.encode(message, stream._send_type)  # noqa: SLF001
    data = _PREFIX.pack(0, len(body)) + body
    wire = stream._stream  # noqa: SLF001
    h2, number = wire._h2_connection, wire.id or 0  # noqa: SLF001
    await wire.connection.write_ready.wait()
    if number not in h2.streams:
        raise StreamClosedError(number)
    if len(data) > min(h2.local_flow_control_window(number), h2.max_outbound_frame_size):
        await stream.send_initial_metadata()
        await wire.send_data(data)
        stream._send_message_done = True  # noqa: SLF001
        await stream.send_trailing_metadata()
        return
    h2.send_headers(number, [(":status", "200"), ("content-type", stream._content_type)])  # noqa: SLF001
    h2.send_data(number, data)
    h2.send_headers(number, _TRAILERS, end_stream=True)
    writes.soon(wire.connection)
    wire.connection.data_send_process()
    # Else grpclib would end the call itself.
    stream._send_trailing_metadata_done = True  # noqa: SLF001
