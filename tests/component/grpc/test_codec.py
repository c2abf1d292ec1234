"""Any bytes at all are a message of the declared types or INVALID_ARGUMENT (reliability 2 #4, D2)."""

from datetime import UTC, datetime, timedelta

import pytest
from grpclib.const import Status
from grpclib.health.v1.health_pb2 import HealthCheckRequest
from hypothesis import example, given
from hypothesis import strategies as st

from library_domain.shared.errors import ValidationFailed
from library_grpc._generated.google.protobuf import Timestamp
from library_grpc._generated.library.v1 import (
    CheckGameAccessRequest,
    CheckGameAccessResponse,
    GetPlaytimeStatisticsRequest,
    GetUserPlaytimeRequest,
)
from library_grpc.codec import SafeCodec
from library_grpc.descriptors import descriptor_pool
from library_grpc.errors import Refusal

CODEC = SafeCodec(descriptor_pool(), max_message_bytes=1024)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, END = -62_135_596_800, 253_402_300_800
VALID = bytes(CheckGameAccessRequest(user_id="ж" * 36, game_id="x" * 36))


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """Draw a valid message with some bytes replaced, and maybe cut off."""
    data = bytearray(VALID)
    for at in draw(st.lists(st.integers(0, len(data) - 1), max_size=4)):
        data[at] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))])


def decoded(data: bytes) -> CheckGameAccessRequest | Status:
    """Return the message, or the status of the refusal."""
    try:
        message: CheckGameAccessRequest = CODEC.decode(data, CheckGameAccessRequest)
    except Refusal as refusal:
        return refusal.status
    return message


@given(st.binary(max_size=64) | spoiled())
def test_decodes_to_the_declared_types_or_refuses(data: bytes) -> None:
    result = decoded(data)

    if isinstance(result, CheckGameAccessRequest):
        assert (type(result.user_id), type(result.game_id)) == (str, str)
    else:
        assert result is Status.INVALID_ARGUMENT


@given(st.builds(CheckGameAccessRequest, user_id=st.text(), game_id=st.text()))
def test_returns_what_was_sent(message: CheckGameAccessRequest) -> None:
    try:
        data = bytes(message)
    except UnicodeEncodeError:  # half a surrogate pair is no text
        return

    assert CODEC.decode(data, CheckGameAccessRequest) == message


def test_ignores_fields_of_later_versions() -> None:
    later = VALID + bytes(CheckGameAccessResponse(owner_id="x"))

    assert CODEC.decode(later, CheckGameAccessRequest) == CheckGameAccessRequest.parse(VALID)


TIMES = st.datetimes(timezones=st.just(UTC))


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1))
@example(2**62, 0)
@example(-62_135_596_801, 0)
@example(-62_135_596_800, 0)
@example(253_402_300_799, 999_999_999)
@example(253_402_300_800, 0)
@example(0, 1_000_000_000)
@example(0, -1)
def test_a_time_is_in_the_calendar_or_refused_by_its_name(seconds: int, nanos: int) -> None:
    data = bytes(GetUserPlaytimeRequest(user_id="x"))  # field 1 is the user of both
    data += _field(3, bytes(Timestamp(seconds=seconds, nanos=nanos)))

    if FIRST <= seconds < END and 0 <= nanos < 10**9:
        message = CODEC.decode(data, GetPlaytimeStatisticsRequest)
        assert message.start_date == EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1_000)
        return
    with pytest.raises(ValidationFailed) as refused:
        CODEC.decode(data, GetPlaytimeStatisticsRequest)
    assert refused.value.details == {"field": "start_date", "reason": "out_of_range"}


@given(TIMES)
def test_a_time_comes_as_it_was_sent(moment: datetime) -> None:
    request = GetPlaytimeStatisticsRequest(user_id="x", start_date=moment)

    assert CODEC.decode(bytes(request), GetPlaytimeStatisticsRequest) == request


def test_refuses_nesting_without_end() -> None:
    data = b""
    for _ in range(400):
        data = b"\x1a" + _varint(len(data)) + data

    with pytest.raises(Refusal):
        CODEC.decode(b"\x0b" * 400 + b"\x0c" * 400, CheckGameAccessRequest)
    assert CODEC.decode(data, CheckGameAccessRequest) == CheckGameAccessRequest()


def test_refuses_to_send_more_than_callers_read() -> None:
    CODEC.encode(CheckGameAccessRequest(user_id="x" * 1_000), CheckGameAccessRequest)

    with pytest.raises(Refusal) as refused:
        CODEC.encode(CheckGameAccessRequest(user_id="x" * 1_024), CheckGameAccessRequest)

    assert (refused.value.status, refused.value.slug) == (Status.RESOURCE_EXHAUSTED, "PAYLOAD_TOO_LARGE")


def test_leaves_googles_own_messages_to_google() -> None:
    assert CODEC.decode(b"\x0a\1x", HealthCheckRequest).service == "x"
    with pytest.raises(Refusal):
        CODEC.decode(b"\x0a\5x", HealthCheckRequest)


def _varint(number: int) -> bytes:
    encoded = b""
    while number > 0x7F:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])


def _field(number: int, message: bytes) -> bytes:
    """Return a message within a message."""
    return bytes([number << 3 | 2]) + _varint(len(message)) + message
