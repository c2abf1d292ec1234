"""Connections end by themselves, and no call is lost by it (reliability, anchors; ecosystem 2)."""

import asyncio
from functools import partial

import grpclib.protocol
import grpclib.server
import pytest
from component.grpc.conftest import ACCESS, GAME, USER, Door, Mint, OpenDoor
from component.grpc.http2 import Http2
from grpclib.client import Channel
from grpclib.health.v1.health_grpc import HealthStub
from grpclib.health.v1.health_pb2 import HealthCheckRequest
from h2.errors import ErrorCodes
from waiting import until

from library_grpc._generated.library.v1 import CheckGameAccessRequest, LibraryQueryServiceStub

REQUEST = CheckGameAccessRequest(user_id=USER, game_id=GAME)
FRAME = b"\0" + len(bytes(REQUEST)).to_bytes(4, "big") + bytes(REQUEST)
YOUNG = {"connection_age_seconds": 0.2, "connection_grace_seconds": 5.0}


def retired(door: Door) -> float:
    return door.registry.get_sample_value("library_grpc_connections_retired_total") or 0


class Gate:
    """Lets a call through when it is told to."""

    def __init__(self, door: Door) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        door.check_access.does = self._wait

    async def _wait(self) -> None:
        self.reached.set()
        await self.open.wait()


async def test_an_idle_connection_is_sent_home_at_its_age(open_door: OpenDoor) -> None:
    async with open_door(**YOUNG) as door, Http2.connected(door.server.port) as client:
        goodbye = await client.goodbye()
        await client.until(lambda: False)

        assert (goodbye.error_code, goodbye.last_stream_id) == (ErrorCodes.NO_ERROR, 0)
        assert client.is_closed
        assert retired(door) == 1


async def test_a_call_in_progress_is_finished_before_the_goodbye(open_door: OpenDoor, mint: Mint) -> None:
    async with open_door(**YOUNG) as door, Http2.connected(door.server.port) as client:
        gate = Gate(door)
        stream = client.begin(ACCESS, mint())
        client.send(stream, FRAME)
        async with asyncio.timeout(5):
            await gate.reached.wait()
            while not retired(door):
                await client.turn()
        gate.open.set()

        answer = await client.answer(stream)
        goodbye = await client.goodbye()

        assert answer["grpc-status"] == "0"
        assert goodbye.last_stream_id == stream


async def test_the_goodbye_comes_after_the_grace_and_calls_go_on(open_door: OpenDoor, mint: Mint) -> None:
    async with (
        open_door(connection_age_seconds=0.1, connection_grace_seconds=0.5) as door,
        Http2.connected(door.server.port) as client,
    ):
        gate = Gate(door)
        first = client.begin(ACCESS, mint())
        client.send(first, FRAME)

        goodbye = await client.goodbye()
        # A call that was under way when the server said goodbye: refused unprocessed, to be repeated elsewhere.
        client.write(a_call(client, first + 2))
        gate.open.set()
        await client.until(lambda: False)

        assert goodbye.last_stream_id == first
        assert (await client.answer(first))["grpc-status"] == "0"
        assert len(door.check_access.asked) == 1


async def test_a_call_that_outlasts_the_grace_twice_is_cut_off(open_door: OpenDoor, mint: Mint) -> None:
    async with (
        open_door(connection_age_seconds=0.1, connection_grace_seconds=0.2) as door,
        Http2.connected(door.server.port) as client,
    ):
        gate = Gate(door)
        stream = client.begin(ACCESS, mint())
        client.send(stream, FRAME)

        await client.until(lambda: False)

        assert gate.reached.is_set()
        assert (await client.answer(stream)) == {"closed": "true"}


async def is_quiet(door: Door) -> bool:
    return not door.registry.get_sample_value("library_grpc_connections")


async def test_a_client_of_grpclib_loses_no_call_over_many_ages(open_door: OpenDoor, mint: Mint) -> None:
    async with (
        open_door(connection_age_seconds=0.1, connection_grace_seconds=5.0) as door,
        Channel("127.0.0.1", door.server.port) as channel,
    ):
        stub = LibraryQueryServiceStub(channel, metadata=mint(), timeout=5)
        answers = 0
        async with asyncio.timeout(20):
            while retired(door) < 3:
                answers += (await stub.check_game_access(REQUEST)).has_access
                if answers % 5 == 0:
                    # Callers pause, and that is when connections go.
                    await until(partial(is_quiet, door), within=10, what="the connection gone")

        assert answers == len(door.check_access.asked)


async def test_a_watch_does_not_keep_a_connection(open_door: OpenDoor) -> None:
    async with (
        open_door(connection_age_seconds=0.1, connection_grace_seconds=0.2) as door,
        HealthStub(door.channel).Watch.open(timeout=5) as watch,
    ):
        await watch.send_message(HealthCheckRequest(), end=True)
        await watch.recv_message()

        with pytest.raises(grpclib.exceptions.StreamTerminatedError):
            await watch.recv_message()


async def test_counts_open_connections(door: Door) -> None:
    before = door.registry.get_sample_value("library_grpc_connections")
    async with Http2.connected(door.server.port) as client:
        client.h2.ping(b"are you?")
        client.flush()
        await client.read()

        assert before == 0
        assert door.registry.get_sample_value("library_grpc_connections") == 1


async def test_ignores_frames_that_it_does_not_know(door: Door, mint: Mint) -> None:
    """RFC 9113, 5.5: clients send such to see that servers do (GREASE)."""
    async with Http2.connected(door.server.port) as client:
        client.write(b"\0\0\4\xbe\0\0\0\0\0good")
        stream = client.begin(ACCESS, mint())
        client.send(stream, FRAME)

        assert (await client.answer(stream))["grpc-status"] == "0"


async def test_says_what_was_wrong_with_the_connection(door: Door) -> None:
    async with Http2.connected(door.server.port) as client:
        client.write(b"\0\0\1\x06\0\0\0\0\0!")  # PING must have eight bytes

        goodbye = await client.goodbye()

        assert goodbye.error_code == ErrorCodes.FRAME_SIZE_ERROR


@pytest.mark.parametrize("header", [":method", ":path"])
async def test_resets_what_is_no_request(door: Door, header: str) -> None:
    """grpclib would log a stack trace and leave the caller waiting."""
    async with Http2.connected(door.server.port) as client:
        client.h2.config.validate_outbound_headers = False
        client.h2.config.normalize_outbound_headers = False
        stream = client.begin(ACCESS, {header: ""})

        assert (await client.answer(stream)) == {"reset": str(int(ErrorCodes.PROTOCOL_ERROR))}


def test_the_private_names_are_there() -> None:
    assert "_protocol_factory" in vars(grpclib.server.Server)
    assert {"handler", "config", "h2_config"} <= set(grpclib.protocol.H2Protocol.__init__.__code__.co_names)
    assert {"_connection", "_transport"} <= set(grpclib.protocol.Connection.__init__.__code__.co_names)
    assert "_tasks" in grpclib.server.Handler.__init__.__code__.co_names
    assert "processors" in grpclib.protocol.EventsProcessor.__init__.__code__.co_names


def a_call(client: Http2, stream: int) -> bytes:
    """Return the frame that begins a call, made where the client's own state does not know of it."""
    block = client.h2.encoder.encode([(":method", "POST"), (":path", ACCESS), (":scheme", "http")])
    return len(block).to_bytes(3, "big") + b"\x01\x05" + stream.to_bytes(4, "big") + block
