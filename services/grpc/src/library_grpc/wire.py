"""What grpclib 0.4.9 leaves open between socket and handler (ecosystem 2, reliability 2 #1, #3, #4).

Six seams, each tested by what it is for: messages without limit, a deadline that is over before the call begins or is no
number, refusals that strict clients cannot read, binary metadata that leave the caller without an answer, headers that take
long to unpack. They replace names of `grpclib.server`, hence its pinned version, and one of h2.
"""

import re
import struct
from collections.abc import Iterable
from typing import Any, TypeVar

import grpclib.server
import h2.frame_buffer
from grpclib.const import Status
from grpclib.encoding.base import GRPC_CONTENT_TYPE, CodecBase
from grpclib.metadata import Deadline, decode_metadata, encode_grpc_message
from grpclib.protocol import Stream
from grpclib.stream import recv_message as unbounded_recv_message
from grpclib.utils import DeadlineWrapper

from library_grpc.codec import SafeCodec
from library_grpc.errors import Refusal, malformed, too_large, too_late

MessageT = TypeVar("MessageT")

_PREFIX = struct.Struct(">BI")
# Of 16 KiB each: more than the 64 KiB that h2 lets headers have. A megabyte, which it reads before it counts, takes a second.
_HEADER_FRAMES = 8
_CODES = {Status.INVALID_ARGUMENT: "VALIDATION_ERROR"}
_TIMEOUT = re.compile(r"[0-9]{1,8}[HMSmun]", re.ASCII)


async def recv_message(stream: Stream, codec: CodecBase, message_type: type[MessageT]) -> MessageT | None:
    """Read the next message, None at the end of the stream; what is compressed or too long is refused unread."""
    if not isinstance(codec, SafeCodec):
        return await unbounded_recv_message(stream, codec, message_type)
    prefix = await _read(stream, _PREFIX.size)
    if not prefix:
        if not stream.data_received:
            raise malformed("The call has no request.")
        return None
    compressed, size = _PREFIX.unpack(prefix)
    if compressed:
        raise Refusal(Status.UNIMPLEMENTED, "UNSUPPORTED_MEDIA_TYPE", "Compressed messages are not accepted.")
    if size > codec.max_message_bytes:
        raise too_large(f"The request has {size} bytes; at most {codec.max_message_bytes} are accepted.")
    body = await _read(stream, size)
    if len(body) < size:
        raise malformed("The request is cut off.")
    message: MessageT = codec.decode(body, message_type)
    return message


class SafeDeadlineWrapper(DeadlineWrapper):
    """Answers a call that comes too late with DEADLINE_EXCEEDED; grpclib's own makes it UNKNOWN with a stack trace."""

    def start(self, deadline: Deadline) -> Any:  # noqa: ANN401 - grpclib's own type is private
        """Watch over the deadline while the block runs. Raises Refusal when nothing is left of it."""
        if not deadline.time_remaining():
            raise too_late()
        return super().start(deadline)


class StrictDeadline(Deadline):
    """Takes no `grpc-timeout` of more than eight digits, as gRPC says; grpclib's own counts until numbers overflow."""

    @classmethod
    def from_headers(cls, headers: Any) -> Deadline | None:  # noqa: ANN401 - grpclib's own type is private
        """Return the deadline, if the caller has set one. Raises ValueError for one that is none."""
        if not all(_TIMEOUT.fullmatch(value) for name, value in headers if name == "grpc-timeout"):
            raise ValueError("no timeout of gRPC's")
        return super().from_headers(headers)


async def abort(
    h2_stream: Stream,
    h2_status: int,
    grpc_status: Status | None = None,
    grpc_message: str | None = None,
) -> None:
    """Refuse what is no call of ours, such as an unknown method.

    grpclib leaves the content type out, without which grpc-go and grpclib's own client make every status UNKNOWN; and
    it uses UNKNOWN for a malformed `grpc-timeout`.
    """
    headers = [(":status", str(h2_status)), ("content-type", GRPC_CONTENT_TYPE)]
    if grpc_status is not None:
        status = Status.INVALID_ARGUMENT if grpc_status is Status.UNKNOWN else grpc_status
        headers += [("grpc-status", str(status.value)), ("error-code", _CODES.get(status, status.name))]
    if grpc_message is not None:
        headers.append(("grpc-message", encode_grpc_message(grpc_message)))
    await h2_stream.send_headers(headers, end_stream=True)
    if h2_stream.closable:
        h2_stream.reset_nowait()


def decode_text_metadata(headers: Iterable[tuple[str, str]]) -> Any:  # noqa: ANN401 - grpclib's own type is private
    """Decode metadata but the binary ones: we use none, and grpclib never answers a call with malformed ones."""
    return decode_metadata([(name, value) for name, value in headers if not name.endswith("-bin")])


def install() -> None:
    """Put the seams in. Doing it again changes nothing."""
    # mypy: these are imported there, not exported.
    grpclib.server.recv_message = recv_message  # type: ignore[attr-defined]
    grpclib.server.DeadlineWrapper = SafeDeadlineWrapper  # type: ignore[attr-defined]
    grpclib.server.Deadline = StrictDeadline  # type: ignore[attr-defined]
    grpclib.server.decode_metadata = decode_text_metadata  # type: ignore[attr-defined]
    h2.frame_buffer.CONTINUATION_BACKLOG = _HEADER_FRAMES
    grpclib.server._abort = abort  # noqa: SLF001 - there is no public way


async def _read(stream: Stream, size: int) -> bytes:
    """Read `size` bytes, or none when the stream has ended. Raises Refusal when it ends in between."""
    try:
        return await stream.recv_data(size)
    except AssertionError as error:  # how grpclib says so
        raise malformed("The request is cut off.") from error
