"""Bytes to messages, strictly (reliability 2 #3, #4).

betterproto2 reads much that is no such message: a number where text belongs, a message that is cut off. Google's
parser, there for health and reflection anyway, is the judge: what it accepts is written anew without the fields that
we do not know, and only that does betterproto2 see. It costs a few microseconds.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpclib.encoding.proto import ProtoCodec

from library_grpc._generated.message_pool import default_message_pool
from library_grpc.errors import malformed, too_large


class SafeCodec(ProtoCodec):
    """Answers bytes that are no message with INVALID_ARGUMENT, and knows how long a message may be, either way."""

    def __init__(self, pool: DescriptorPool, *, max_message_bytes: int) -> None:
        self.max_message_bytes = max_message_bytes
        ours = {
            message_type: GetMessageClass(pool.FindMessageTypeByName(url.rpartition("/")[2]))
            for message_type, url in default_message_pool.type_to_url.items()
        }
        self._judges: Mapping[type[Any], type[Message]] = MappingProxyType(ours)

    def encode(self, message: Any, message_type: Any) -> bytes:  # noqa: ANN401 - grpclib types messages as google's
        """Return the bytes. Raises Refusal for more of them than a client reads by default."""
        data: bytes = super().encode(message, message_type)
        if len(data) > self.max_message_bytes:
            raise too_large(
                f"The answer has {len(data)} bytes; at most {self.max_message_bytes} are sent: ask for less."
            )
        return data

    def decode(self, data: bytes, message_type: Any) -> Any:  # noqa: ANN401 - grpclib types messages as google's
        """Return the message. Raises Refusal."""
        try:
            judge = self._judges.get(message_type)
            return super().decode(data if judge is None else _canonical(data, judge), message_type)
        except DecodeError as error:
            raise malformed("The request cannot be decoded.") from error


def _canonical(data: bytes, judge: type[Message]) -> bytes:
    """Return the message as google would write it, without unknown fields. Raises DecodeError."""
    message = judge.FromString(data)
    message.DiscardUnknownFields()
    return message.SerializeToString()
