"""Bytes that are no request, on seams that grpclib does not offer (ecosystem 2; reliability 2 #1, #3, #4)."""

from importlib.metadata import version

import grpclib.server
import h2.frame_buffer
import pytest
from component.grpc.conftest import ACCESS, GAME, USER, Door, Mint, OpenDoor, refused
from grpclib.const import Status
from grpclib.stream import recv_message

from library_grpc import wire
from library_grpc._generated.library.v1 import CheckGameAccessRequest

MEBIBYTE = 1024 * 1024


def test_the_seams_fit_the_pinned_grpclib() -> None:
    wire.install()

    assert version("grpclib") == "0.4.9"
    assert grpclib.server.recv_message is wire.recv_message  # type: ignore[attr-defined]
    assert grpclib.server.request_handler.__globals__["recv_message"] is wire.recv_message
    for name in (
        "Deadline",
        "DeadlineWrapper",
        "decode_metadata",
        "_abort",
    ):  # looked up when they are needed
        assert name in grpclib.server.request_handler.__code__.co_names
    assert "recv_message" in grpclib.server.Stream.recv_message.__code__.co_names
    assert recv_message is not wire.recv_message
    assert "CONTINUATION_BACKLOG" in h2.frame_buffer.FrameBuffer._update_header_buffer.__code__.co_names


async def test_refuses_a_long_message_unread(door: Door, mint: Mint) -> None:
    prefix = b"\0" + (4 * MEBIBYTE + 1).to_bytes(4, "big")

    refusal = await refused(door.raw, frames=prefix, metadata=mint(), end=False)

    assert (refusal.status, refusal.trailers["error-code"]) == (
        Status.RESOURCE_EXHAUSTED,
        "PAYLOAD_TOO_LARGE",
    )


async def test_accepts_a_message_of_the_limit(open_door: OpenDoor, mint: Mint) -> None:
    async with open_door(max_message_bytes=1024) as door:
        request = bytes(CheckGameAccessRequest(user_id=USER, game_id=GAME))
        # Field 15 is unknown to us: what a later version of the caller may send.
        padding = 1024 - len(request) - 3
        message = request + b"\x7a" + bytes([padding & 0x7F | 0x80, padding >> 7]) + b"x" * padding
        assert len(message) == 1024

        await door.stub.check_game_access(CheckGameAccessRequest.parse(message), metadata=mint())
        refusal = await refused(door.raw, message=message + b"\x78\x01", metadata=mint())

    assert refusal.status is Status.RESOURCE_EXHAUSTED


async def test_refuses_compression(door: Door, mint: Mint) -> None:
    refusal = await refused(door.raw, frames=b"\1\0\0\0\2xx", metadata=mint())

    assert (refusal.status, refusal.trailers["error-code"]) == (
        Status.UNIMPLEMENTED,
        "UNSUPPORTED_MEDIA_TYPE",
    )


@pytest.mark.parametrize(
    "frames",
    [
        b"",
        b"\0",
        b"\0\0\0\0",
        b"\0\0\0\0\5ab",
        b"\0\0\0\0\5",
        b"\0\0\0\0\2\x0a\xff",
        b"\0\0\0\0\3\x0a\1\xff",
        b"\0\0\0\0\1\x08",
        b"\0\0\0\0\2\x0b\x0c",
        b"\0\0\0\0\2\x08\1",
        b"\0\0\0\0\0",
    ],
    ids=[
        "nothing",
        "1 byte",
        "4 bytes",
        "cut off",
        "no body",
        "length",
        "no UTF-8",
        "tag",
        "group",
        "number for text",
        "empty",
    ],
)
async def test_answers_garbage_with_invalid_argument(
    door: Door, mint: Mint, errors_logged: list[str], frames: bytes
) -> None:
    refusal = await refused(door.raw, frames=frames, metadata=mint())

    assert (refusal.status, refusal.trailers["error-code"]) == (Status.INVALID_ARGUMENT, "VALIDATION_ERROR")
    assert not door.check_access.asked
    assert not errors_logged


async def test_says_that_a_request_without_body_is_cut_off(door: Door, mint: Mint) -> None:
    refusal = await refused(door.raw, frames=b"\0\0\0\0\5", metadata=mint())

    assert refusal.message == "The request is cut off."


@pytest.mark.parametrize("route", [ACCESS, "/library.v1.LibraryQueryService/Nothing"])
async def test_does_not_stumble_over_binary_metadata(door: Door, route: str) -> None:
    """grpclib would log a stack trace and leave the caller without an answer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grpclib.client.encode_metadata", lambda _: [("x-trace-bin", "A")])
        refusal = await refused(door.raw, route)

    assert refusal.status in {Status.UNAUTHENTICATED, Status.UNIMPLEMENTED}
