"""An answer is the same, in one write or in grpclib's three (performance.md); `whole_answers` chooses."""

from typing import Any

import pytest
from component.grpc.conftest import ACCESS, GAME, USER, Door, Mint, OpenDoor
from component.grpc.http2 import Http2
from component.grpc.test_queries import an_item
from h2.events import DataReceived, ResponseReceived, StreamEnded, TrailersReceived
from h2.settings import SettingCodes

from library_domain.library.model import Access, Refusal, Via
from library_domain.library.queries import LibraryPage
from library_grpc._generated.library.v1 import (
    BatchCheckGameAccessRequest,
    CheckGameAccessRequest,
    GetUserLibraryRequest,
)

QUERIES = ACCESS.rpartition("/")[0]
CALLS = {
    "a check": (ACCESS, CheckGameAccessRequest(user_id=USER, game_id=GAME)),
    "a refusal": (ACCESS, CheckGameAccessRequest(user_id=USER, game_id="Portal 2")),
    "a batch": (
        f"{QUERIES}/BatchCheckGameAccess",
        BatchCheckGameAccessRequest(user_id=USER, game_ids=[GAME] * 100),
    ),
    "a page that no frame has room for": (f"{QUERIES}/GetLibrary", GetUserLibraryRequest(user_id=USER)),
}


def prepare(door: Door) -> None:
    """Let the door have something to answer."""
    verdicts = [
        Access(allowed=True, via=Via.OWNED),
        Access(allowed=False, reason=Refusal.NOT_OWNED),
    ]
    door.batch_check_access.answers(verdicts * 50)
    door.list_library.answers(LibraryPage(items=[an_item(name="Ы" * 200)] * 100, total=100, next=None))


async def begin(client: Http2, mint: Mint, path: str, message: Any) -> int:
    data = bytes(message)
    stream = client.begin(path, mint() | {"x-request-id": "r-1"})
    client.send(stream, b"\0" + len(data).to_bytes(4, "big") + data)
    return stream


def told(client: Http2) -> tuple[list[Any], bytes, list[Any]]:
    """Return the lines of each head, the bytes of the messages, and the lines of the trailers."""
    heads = [event.headers for event in client.seen(ResponseReceived)]
    trailers = [event.headers for event in client.seen(TrailersReceived)]
    return heads, b"".join(event.data or b"" for event in client.seen(DataReceived)), trailers


@pytest.mark.parametrize("call", CALLS)
async def test_say_the_same_either_way(open_door: OpenDoor, mint: Mint, call: str) -> None:
    said = []
    for whole in (True, False):
        async with open_door(whole_answers=whole) as door, Http2.connected(door.server.port) as client:
            prepare(door)
            await client.answer(await begin(client, mint, *CALLS[call]))
            said.append(told(client))

    assert said[0] == said[1]


async def test_come_in_one_piece(door: Door, mint: Mint) -> None:
    async with Http2.connected(door.server.port) as client:
        await client.turn()
        stream = await begin(client, mint, *CALLS["a check"])
        while not client.seen(ResponseReceived):
            await client.read()

        assert [event.stream_id for event in client.seen(StreamEnded)] == [stream]


@pytest.mark.parametrize("call", ["a check", "a batch", "a page that no frame has room for"])
async def test_wait_for_the_room_that_the_caller_gives(door: Door, mint: Mint, call: str) -> None:
    prepare(door)
    async with Http2.connected(door.server.port) as client:
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1})
        await client.turn()
        stream = await begin(client, mint, *CALLS[call])
        await client.until(lambda: bool(client.seen(DataReceived)))
        before = b"".join(event.data or b"" for event in client.seen(DataReceived))
        client.h2.increment_flow_control_window(1_000_000, stream)
        client.h2.increment_flow_control_window(1_000_000)
        client.flush()
        answer = await client.answer(stream)

    assert before == b"\0"
    assert answer["grpc-status"] == "0"
