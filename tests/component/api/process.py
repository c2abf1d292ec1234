"""The real process, `python -m library_api`, on loopback."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

LOOPBACK = "127.0.0.1"
_POLL_SECONDS = 0.02


def account_away() -> dict[str, str]:
    """Return settings under which Account does not answer."""
    return {
        "LIBRARY_ACCOUNT__ADDRESS": f"{LOOPBACK}:{free_port()}",
        "LIBRARY_ACCOUNT__TOKEN_URL": f"http://{LOOPBACK}:{free_port()}/token",
        "LIBRARY_ACCOUNT__CLIENT_ID": "library-service",
        "LIBRARY_ACCOUNT__CLIENT_SECRET": "secret",
    }


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as server:
        return int(server.getsockname()[1])


async def eventually(condition: Callable[[], Awaitable[bool]], *, within: float) -> None:
    """Wait until the condition holds. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110 - another process sets no event of ours
            await asyncio.sleep(_POLL_SECONDS)


@dataclass
class Process:
    """A started process: its two ports, and what it wrote."""

    process: asyncio.subprocess.Process
    url: str
    management_url: str
    output: Path

    @property
    def logs(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.read_text(encoding="utf-8").splitlines()]

    async def stop(self, number: signal.Signals = signal.SIGTERM, *, within: float = 10) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), within)

    async def readiness(self) -> tuple[int, dict[str, Any]] | None:
        """Return status and body, None when nobody answers."""
        try:
            async with httpx2.AsyncClient(timeout=1) as client:
                response = await client.get(f"{self.management_url}/health/ready")
        except httpx2.TransportError:
            return None
        return response.status_code, response.json()

    async def is_ready(self) -> bool:
        assert self.process.returncode is None, self.output.read_text(encoding="utf-8")
        readiness = await self.readiness()
        return readiness is not None and readiness[0] == 200


@asynccontextmanager
async def started(directory: Path, environ: dict[str, str]) -> AsyncIterator[Process]:
    """Start the process and wait until it is ready; kill it at the end if it still runs."""
    async with spawned(directory, environ) as process:
        await eventually(process.is_ready, within=20)
        yield process


@asynccontextmanager
async def spawned(directory: Path, environ: dict[str, str]) -> AsyncIterator[Process]:
    """Start the process and wait for nothing."""
    ports = {"LIBRARY_HTTP__PORT": str(free_port()), "LIBRARY_MANAGEMENT__PORT": str(free_port())}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIBRARY_")}
    settings = clean | ports | environ
    output = directory / "output.jsonl"
    with output.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "library_api", env=settings, stdout=stream, stderr=asyncio.subprocess.STDOUT
        )
    try:
        yield Process(
            process,
            url=f"http://{LOOPBACK}:{settings['LIBRARY_HTTP__PORT']}",
            management_url=f"http://{LOOPBACK}:{settings['LIBRARY_MANAGEMENT__PORT']}",
            output=output,
        )
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
