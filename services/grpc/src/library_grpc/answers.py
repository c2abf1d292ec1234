"""A unary answer in one write (performance.md): grpclib writes its head, its message and its trailers one after another.

For a call that goes well that is a third of what the door itself costs. Whatever else becomes of a call, and an answer that
the window of its stream has no room for, goes grpclib's way.
"""

import struct
from typing import Any, Generic, TypeVar

from grpclib.const import Status
from grpclib.server import Stream
from h2.exceptions import StreamClosedError

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")

_PREFIX = struct.Struct(">BI")
_TRAILERS = [("grpc-status", str(Status.OK.value))]


class UnaryStream(Generic[RequestT, AnswerT]):
    """What a unary method sees of its stream: the answer is kept until `finish`."""

    def __init__(self, stream: Stream[RequestT, AnswerT]) -> None:
        self._stream = stream
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
        await _send(self._stream, message)


async def _send(stream: Stream[Any, Any], message: object) -> None:
    """Send the answer: in one write, if it fits. There is no public way below grpclib's `send_message`.

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
    wire._transport.write(h2.data_to_send())  # noqa: SLF001
    wire.connection.data_send_process()
    # Else grpclib would end the call itself.
    stream._send_trailing_metadata_done = True  # noqa: SLF001
