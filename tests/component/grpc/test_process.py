"""`python -m library_grpc` as an operator meets it: start without dependencies, stop, refusal of bad settings."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from component.grpc.conftest import GAME, ISSUER, USER, Mint
from grpclib.client import Channel
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.health.v1.health_grpc import HealthStub
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from library_grpc._generated.library.v1 import (
    BatchCheckGameAccessRequest,
    CheckGameAccessRequest,
    CheckGameAccessResponse,
    CheckGameOwnershipRequest,
    CheckGameOwnershipResponse,
    GetUserLibraryRequest,
    GetUserLibraryResponse,
    LibraryQueryServiceStub,
)

SECONDS = 20


@pytest.fixture
def environment(jwks_file: Path, unused_tcp_port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIBRARY_")}
    return kept | {
        "LIBRARY_POSTGRES__DSN": f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/none",
        "LIBRARY_POSTGRES__POOL_TIMEOUT_SECONDS": "0.2",
        "LIBRARY_TOKENS__ISSUER": ISSUER,
        "LIBRARY_TOKENS__JWKS_FILE": str(jwks_file),
        "LIBRARY_GRPC__PORT": "0",
        "LIBRARY_GRPC__NOTICE_SECONDS": "0",
        "LIBRARY_MANAGEMENT__PORT": "0",
    }


@asynccontextmanager
async def started(environment: dict[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "library_grpc", env=environment, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def port_of(process: Process) -> int:
    """Read the log until the process says where it serves."""
    assert process.stdout is not None
    async with asyncio.timeout(SECONDS):
        async for line in process.stdout:
            record = json.loads(line)
            if record["message"] == "serving":
                return int(record["port"])
    raise AssertionError("the process ended")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_starts_without_postgres_and_stops_on_a_signal(
    environment: dict[str, str], mint: Mint, number: signal.Signals
) -> None:
    async with started(environment) as process, Channel("127.0.0.1", await port_of(process)) as channel:
        health = await HealthStub(channel).Check(HealthCheckRequest(), timeout=5)
        with pytest.raises(GRPCError) as raised:
            await LibraryQueryServiceStub(channel).check_game_access(
                CheckGameAccessRequest(user_id=USER, game_id=GAME), metadata=mint(), timeout=5
            )
        process.send_signal(number)
        _, errors = await asyncio.wait_for(process.communicate(), SECONDS)

    assert health.status == HealthCheckResponse.SERVING
    assert raised.value.status is Status.UNAVAILABLE
    assert (process.returncode, errors) == (0, b"")


async def test_answers_from_postgres(environment: dict[str, str], database: str, mint: Mint) -> None:
    settings = environment | {
        "LIBRARY_POSTGRES__DSN": database,
        "LIBRARY_POSTGRES__POOL_TIMEOUT_SECONDS": "5",
    }
    async with started(settings) as process, Channel("127.0.0.1", await port_of(process)) as channel:
        stub = LibraryQueryServiceStub(channel, timeout=10, metadata=mint())
        access = await stub.check_game_access(CheckGameAccessRequest(user_id=USER, game_id=GAME))
        ownership = await stub.check_game_ownership(CheckGameOwnershipRequest(user_id=USER, game_id=GAME))
        batch = await stub.batch_check_game_access(
            BatchCheckGameAccessRequest(user_id=USER, game_ids=[GAME] * 100)
        )
        library = await stub.get_library(GetUserLibraryRequest(user_id=USER, filter="installed"))

    assert access == CheckGameAccessResponse(has_access=False, reason="not_owned")
    assert ownership == CheckGameOwnershipResponse()
    assert batch.results == [access] * 100
    assert library == GetUserLibraryResponse(limit=20)


async def test_refuses_bad_settings_by_their_names(environment: dict[str, str]) -> None:
    async with started(environment | {"LIBRARY_GRPC__PORT": "s3cret"}) as process:
        _, errors = await asyncio.wait_for(process.communicate(), SECONDS)

    assert process.returncode == 2
    assert b"LIBRARY_GRPC__PORT" in errors
    assert b"s3cret" not in errors


async def test_says_that_its_port_is_taken(environment: dict[str, str]) -> None:
    async with started(environment) as first:
        port = await port_of(first)
        async with started(environment | {"LIBRARY_GRPC__PORT": str(port)}) as second:
            out, _ = await asyncio.wait_for(second.communicate(), SECONDS)

    assert second.returncode == 1
    assert b"Address already in use" in out
