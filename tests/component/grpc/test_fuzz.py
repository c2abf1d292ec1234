"""Whatever comes in, only documented statuses go out, the process lives and keeps its memory (reliability D2, D3)."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter

import pytest
from component.grpc.conftest import ACCESS, GAME, ISSUER, USER, Mint, RawCodec
from component.grpc.fuzzing import (
    HEADERS,
    MESSAGES,
    RAW,
    VALID,
    broken_frames,
    byte_strings,
    framed,
    mutated_messages,
)
from component.grpc.http2 import Http2
from figures import Report
from grpclib.client import Channel
from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated
from h2.exceptions import ProtocolError

from library_grpc._generated.library.v1 import CheckGameAccessRequest, LibraryQueryServiceStub

SECONDS = 30
SECONDS_OF_A_CALL = 5
AT_ONCE = 16
SILENT_CONNECTIONS = 100 if MESSAGES >= 10_000 else 15  # more than calls_without_request, in either case
MEBIBYTE = 1024 * 1024
DOCUMENTED = {
    Status.OK,
    Status.INVALID_ARGUMENT,
    Status.NOT_FOUND,  # health, of a service that is not there
    Status.UNIMPLEMENTED,
    Status.RESOURCE_EXHAUSTED,
}
REQUEST = CheckGameAccessRequest(user_id=USER, game_id=GAME)


class Target:
    """The process under attack."""

    def __init__(self, process: Process, port: int) -> None:
        self.process, self.port = process, port
        self.complaints: list[str] = []
        self.may_grow = 50 * MEBIBYTE

    def rss(self) -> int:
        """Return how many bytes of memory it has."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    async def answers(self, mint: Mint) -> float:
        """Ask as any client would; return how many seconds the answer took."""
        started = perf_counter()
        async with Channel("127.0.0.1", self.port) as channel:
            await LibraryQueryServiceStub(channel).check_game_access(
                REQUEST, metadata=mint(), timeout=SECONDS_OF_A_CALL
            )
        return perf_counter() - started

    async def listen(self, lines: asyncio.StreamReader) -> None:
        """Read the log, so that it can go on, and keep what is a complaint."""
        async for line in lines:
            if json.loads(line)["level"] in {"error", "fatal"}:
                self.complaints.append(line.decode())


@pytest.fixture(scope="module")
async def target(migrated: str, jwks_file: Path, mint: Mint) -> AsyncIterator[Target]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIBRARY_")}
    environment = kept | {
        "LIBRARY_POSTGRES__DSN": migrated,
        "LIBRARY_TOKENS__ISSUER": ISSUER,
        "LIBRARY_TOKENS__JWKS_FILE": str(jwks_file),
        "LIBRARY_GRPC__PORT": "0",
        "LIBRARY_GRPC__NOTICE_SECONDS": "0",
        "LIBRARY_MANAGEMENT__PORT": "0",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "library_grpc", env=environment, stdout=PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(SECONDS):
        while (record := json.loads(await process.stdout.readline()))["message"] != "serving":
            pass
    target = Target(process, int(record["port"]))
    listening = asyncio.create_task(target.listen(process.stdout))
    for _ in range(50):  # until it is warm, and its memory what it stays
        await target.answers(mint)
    yield target
    process.terminate()
    await asyncio.wait_for(process.wait(), SECONDS)
    await listening


@pytest.fixture(autouse=True)
async def unharmed(target: Target, mint: Mint) -> AsyncIterator[None]:
    """Look afterwards whether the process lives, complained, or grew."""
    before, target.may_grow = target.rss(), 50 * MEBIBYTE
    yield
    await target.answers(mint)
    grown = target.rss() - before
    assert target.process.returncode is None
    complaints, target.complaints = target.complaints, []
    assert complaints == []
    assert grown < target.may_grow


async def status_of(channel: Channel, method: str, data: bytes, metadata: dict[str, str]) -> Status:
    """Send the bytes as the whole request; return how it ended."""
    stream = channel.request(method, Cardinality.STREAM_STREAM, bytes, bytes, metadata=metadata)
    try:
        async with asyncio.timeout(SECONDS), stream:
            await stream.send_request()
            await stream._stream.send_data(data, end_stream=True)
            stream._end_done = True
            while await stream.recv_message() is not None:
                pass
    except GRPCError as error:
        return Status(error.status)
    return Status.OK


async def several_at_once(tasks: Iterable[Callable[[], Awaitable[None]]]) -> None:
    waiting = iter(tasks)

    async def work() -> None:
        for task in waiting:
            await task()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("make", "count"), [(mutated_messages, MESSAGES), (byte_strings, RAW)])
async def test_only_documented_statuses_answer_garbage(
    target: Target,
    mint: Mint,
    make: Callable[[int, Random], Iterable[tuple[str, bytes]]],
    count: int,
    report: Report,
) -> None:
    seen: Counter[Status] = Counter()
    async with Channel("127.0.0.1", target.port, codec=RawCodec()) as channel:

        async def send(method: str, data: bytes) -> None:
            seen[await status_of(channel, method, data, mint())] += 1

        await several_at_once(partial(send, method, data) for method, data in make(count, Random(5)))

    report(", ".join(f"{number} {status.name}" for status, number in seen.most_common()))
    assert seen.total() == count
    assert set(seen) <= DOCUMENTED
    assert seen[Status.INVALID_ARGUMENT] > count / 4


@pytest.mark.parametrize("what", HEADERS)
async def test_headers_that_are_wrong_are_refused_or_ignored(target: Target, mint: Mint, what: str) -> None:
    async with Http2.connected(target.port) as client:
        client.h2.config.validate_outbound_headers = False
        client.h2.config.normalize_outbound_headers = False
        # Plainly: packing a megabyte takes minutes, in Python.
        client.h2.encoder.encode = partial(client.h2.encoder.encode, huffman=False)  # type: ignore[method-assign]
        stream = client.begin(ACCESS, mint() | HEADERS[what])
        try:
            client.send(stream, framed(VALID[ACCESS]))
        except ProtocolError:
            pytest.fail("the test's own client refuses to send this")
        answer = await client.answer(stream)

    if "grpc-status" in answer:
        status = Status(int(answer["grpc-status"]))
        assert status in DOCUMENTED | {Status.UNAUTHENTICATED, Status.DEADLINE_EXCEEDED}
        assert answer["content-type"].startswith("application/grpc")
    elif "reset" in answer:
        assert int(answer["reset"]) in {ErrorCodes.PROTOCOL_ERROR, ErrorCodes.REFUSED_STREAM}
    elif answer.get(":status") != "405":
        # What breaks the rules of HTTP/2 itself ends the connection; of the rest that comes nothing is read any more, so
        # the client may see a broken connection rather than the goodbye.
        assert answer == {"closed": "true"}
        assert {goodbye.error_code for goodbye in client.seen(ConnectionTerminated)} <= {
            ErrorCodes.PROTOCOL_ERROR,
            ErrorCodes.ENHANCE_YOUR_CALM,
            ErrorCodes.COMPRESSION_ERROR,
        }


async def test_bytes_that_are_no_http2_end_their_connection_alone(target: Target, mint: Mint) -> None:
    async with Channel("127.0.0.1", target.port) as channel:
        bystander = LibraryQueryServiceStub(channel, metadata=mint(), timeout=5)
        for data in broken_frames(MESSAGES // 3, Random(6)):
            async with Http2.connected(target.port) as client:
                client.write(data)
                await bystander.check_game_access(REQUEST)


async def test_a_compressed_message_is_unimplemented(target: Target, mint: Mint) -> None:
    async with Channel("127.0.0.1", target.port, codec=RawCodec()) as channel:
        compressed = b"\1" + framed(b"\x1f\x8b")[1:]

        assert await status_of(channel, ACCESS, compressed, mint()) is Status.UNIMPLEMENTED


async def test_declared_lengths_reserve_no_memory(target: Target, mint: Mint) -> None:
    """D3: ten messages that claim 64 MiB, and ten of the longest that is taken, of which little comes."""
    async with Channel("127.0.0.1", target.port, codec=RawCodec()) as channel:
        for size in (64 * MEBIBYTE, 4 * MEBIBYTE):
            for _ in range(10):
                status = await status_of(channel, ACCESS, b"\0" + size.to_bytes(4, "big") + b"x", mint())
                assert status in {Status.RESOURCE_EXHAUSTED, Status.INVALID_ARGUMENT}


async def test_streams_that_say_nothing_do_not_keep_others_out(
    target: Target, mint: Mint, report: Report
) -> None:
    """D3: connections full of calls that never send their request."""
    target.may_grow = 100 * MEBIBYTE
    before, alone = target.rss(), await target.answers(mint)
    async with AsyncExitStack() as connections:
        for _ in range(SILENT_CONNECTIONS):
            client = await connections.enter_async_context(Http2.connected(target.port))
            token = mint()
            for _ in range(100):
                client.begin(ACCESS, token)
            await client.turn()

        beside = await target.answers(mint)
        grown = target.rss() - before

    report(
        f"{SILENT_CONNECTIONS} x 100 silent calls: {grown / MEBIBYTE:.1f} MiB; {alone:.3f} s alone, {beside:.3f} beside"
    )
    assert grown < target.may_grow
    assert beside < SECONDS_OF_A_CALL


async def test_calls_that_are_reset_at_once_cost_little(target: Target, mint: Mint) -> None:
    """D3: rapid reset, 3,000 streams."""
    async with Http2.connected(target.port) as client:
        for number in range(3_000):
            stream = client.begin(ACCESS, mint())
            client.h2.reset_stream(stream)
            client.flush()
            if number % 100 == 0:
                await client.turn()
        seconds = await target.answers(mint)

    assert seconds < SECONDS_OF_A_CALL
