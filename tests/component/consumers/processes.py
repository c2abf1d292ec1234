"""The commands of library-consumers as processes."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

SECONDS = 30
Environment = dict[str, str]


@asynccontextmanager
async def started(
    command: str, environment: Environment, port: int, *, arguments: Sequence[str] = ()
) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "library_consumers", command, *arguments),
        env=environment | {"LIBRARY_MANAGEMENT__PORT": str(port)},
        stdout=DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def readiness(port: int, condition: Callable[[httpx.Response], bool]) -> dict[str, Any]:
    """Ask until the answer is as wanted, and return it."""
    async with asyncio.timeout(SECONDS), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        while True:
            try:
                answer = await client.get("/health/ready")
            except httpx.TransportError:
                answer = None
            if answer is not None and condition(answer):
                body: dict[str, Any] = answer.json()
                return body
            await asyncio.sleep(0.05)


def all_up(answer: httpx.Response) -> bool:
    dependencies = answer.json()["dependencies"].values()
    return answer.status_code == 200 and all(each["status"] == "up" for each in dependencies)


async def ended(process: Process) -> int:
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(SECONDS):
        return await process.wait()
