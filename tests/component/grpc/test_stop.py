"""A stop finishes what was begun, and no more (reliability 2 #2, ecosystem 2)."""

import asyncio

import grpclib.server
import pytest
from component.grpc.conftest import GAME, USER, Door, Mint, OpenDoor, refused
from grpclib.const import Status
from grpclib.exceptions import StreamTerminatedError
from grpclib.health.v1.health_grpc import HealthStub
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from library_grpc._generated.library.v1 import CheckGameAccessRequest, CheckGameAccessResponse

REQUEST = CheckGameAccessRequest(user_id=USER, game_id=GAME)


class Work:
    """A call that lasts until it is told to end."""

    def __init__(self, door: Door, mint: Mint) -> None:
        self.begun, self.go_on, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        door.check_access.does = self._work
        self.call: asyncio.Task[CheckGameAccessResponse] = asyncio.create_task(
            door.stub.check_game_access(REQUEST, metadata=mint())
        )

    async def _work(self) -> None:
        self.begun.set()
        try:
            await self.go_on.wait()
        finally:
            self.ended.set()


async def test_finishes_calls_in_progress_and_refuses_new_ones(open_door: OpenDoor, mint: Mint) -> None:
    async with open_door(notice_seconds=0) as door:
        await refused(door.raw)  # connects
        work = Work(door, mint)
        await work.begun.wait()

        stopping = asyncio.create_task(door.server.stop())
        refusal = await refused(door.channel, message=bytes(REQUEST), metadata=mint())
        with pytest.raises(OSError, match="onnect"):
            await asyncio.open_connection("127.0.0.1", door.server.port)
        assert not stopping.done()
        work.go_on.set()

        assert (await work.call).has_access
        await asyncio.wait_for(stopping, 1)
        assert refusal.status is Status.UNAVAILABLE
        assert len(door.check_access.asked) == 1


async def test_takes_calls_while_watchers_are_told(open_door: OpenDoor, mint: Mint) -> None:
    async with open_door(notice_seconds=0.2) as door, HealthStub(door.channel).Watch.open(timeout=5) as watch:
        await watch.send_message(HealthCheckRequest(), end=True)
        assert await watch.recv_message() == HealthCheckResponse(status=HealthCheckResponse.SERVING)

        stopping = asyncio.create_task(door.server.stop())
        told = await watch.recv_message()
        answer = await door.stub.check_game_access(REQUEST, metadata=mint())

        assert told == HealthCheckResponse(status=HealthCheckResponse.NOT_SERVING)
        assert answer.has_access
        # The watch is still open, and is not waited for.
        await asyncio.wait_for(stopping, 2)
        with pytest.raises(StreamTerminatedError):
            await watch.recv_message()


async def test_cuts_off_what_does_not_end_in_time(open_door: OpenDoor, mint: Mint) -> None:
    async with open_door(notice_seconds=0, drain_timeout_seconds=0.05) as door:
        work = Work(door, mint)
        await work.begun.wait()

        await asyncio.wait_for(door.server.stop(), 2)

        await asyncio.wait_for(work.ended.wait(), 1)
        assert not work.go_on.is_set()
        door.channel.close()
        with pytest.raises(StreamTerminatedError):
            await work.call


def test_the_private_name_that_stops_listening_is_there() -> None:
    assert "_server" in grpclib.server.Server.start.__code__.co_names
