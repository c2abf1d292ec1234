"""Bytes to messages, strictly (reliability 2 #3, #4).

betterproto2 reads much that is no such message: a number where text belongs, a message that is cut off. Google's
parser, there for health and reflection anyway, is the judge: what it accepts is written anew without the fields that
we do not know, and only that does betterproto2 see. It costs a few microseconds.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpclib.encoding.proto import ProtoCodec

from library_domain.shared.errors import ValidationFailed
from library_grpc._generated.message_pool import default_message_pool
from library_grpc.errors import malformed, too_large

_TIME = "google.protobuf.Timestamp"
_FIRST_SECOND, _END_SECOND = -62_135_596_800, 253_402_300_800
"""From the year 1 to the end of the year 9999, as timestamp.proto has it."""
_SECOND_NANOS = 1_000_000_000


class SafeCodec(ProtoCodec):
    """Answers bytes that are no message with INVALID_ARGUMENT, and knows how long a message may be, either way."""

    def __init__(self, pool: DescriptorPool, *, max_message_bytes: int) -> None:
        self.max_message_bytes = max_message_bytes
        ours = {
            message_type: GetMessageClass(pool.FindMessageTypeByName(url.rpartition("/")[2]))
            for message_type, url in default_message_pool.type_to_url.items()
        }
        self._judges: Mapping[type[Any], type[Message]] = MappingProxyType(ours)
        self._times: Mapping[type[Any], tuple[str, ...]] = MappingProxyType(
            {message_type: _times(judge) for message_type, judge in ours.items()}
        )

    def encode(self, message: Any, message_type: Any) -> bytes:  # noqa: ANN401 - grpclib types messages as google's
        """Return the bytes. Raises Refusal for more of them than a client reads by default."""
        data: bytes = super().encode(message, message_type)
        if len(data) > self.max_message_bytes:
            raise too_large(
                f"The answer has {len(data)} bytes; at most {self.max_message_bytes} are sent: ask for less."
            )
        return data

    def decode(self, data: bytes, message_type: Any) -> Any:  # noqa: ANN401 - grpclib types messages as google's
        """Return the message. Raises Refusal, and ValidationFailed for a time outside the calendar."""
        try:
            judge = self._judges.get(message_type)
            if judge is not None:
                data = _canonical(data, judge, self._times[message_type])
            return super().decode(data, message_type)
        except DecodeError as error:
            raise malformed("The request cannot be decoded.") from error


def _times(judge: type[Message]) -> tuple[str, ...]:
    """Return the fields of the message that are times."""
    return tuple(
        field.name
        for field in judge.DESCRIPTOR.fields
        if field.message_type is not None and field.message_type.full_name == _TIME
    )


def _canonical(data: bytes, judge: type[Message], times: Sequence[str]) -> bytes:
    """Return the message as google would write it, without unknown fields. Raises DecodeError and ValidationFailed."""
    message = judge.FromString(data)
    for name in times:
        time = getattr(message, name)
        if not (_FIRST_SECOND <= time.seconds < _END_SECOND and 0 <= time.nanos < _SECOND_NANOS):
            raise ValidationFailed(field=name, reason="out_of_range")
    message.DiscardUnknownFields()
    return message.SerializeToString()
