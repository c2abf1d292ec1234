"""The whole service as it runs in production: every deployable a process of its own, over real stores on loopback.

Processes, ports and readiness are library_devstack's; this adds what a test needs: starting some of them, settings of
its own, exit codes, faults, and the doors.
"""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import psycopg
from psycopg.rows import DictRow, dict_row

from e2e.doors import Grpc, Payments, Rest, Tail
from library_devstack.services import addresses, copies, migrate, services
from library_devstack.stack import Kafka, Postgres, Stack, Standins
from library_devstack.stack.component import Component
from library_devstack.stack.process import minimal_environment
from library_devstack.standins.issuer import Issuer, load_or_make_key

STORES = ("postgres", "redis", "kafka", "standins")
DEPLOYABLES = ("api", "grpc", "consume", "relay")
_STOP_SECONDS = 30.0
_COMMAND_SECONDS = 120.0
_COMPLAINTS = 10
_COMPLAINT_CHARACTERS = 1_000


class _Stack(Stack):
    """A stack whose deployables get some settings of the test besides the addresses."""

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        super().__init__(directory, durable=False)
        self._settings = settings

    def env(self) -> dict[str, str]:
        # Tests wait for conditions by asking again and again, as no player does.
        unlimited = {"LIBRARY_RATE_LIMIT__ENABLED": "false"}
        return super().env() | unlimited | dict(self._settings)


class House:
    """A stack, our processes over it, and clients at every door. See `open_house`."""

    def __init__(self, stack: Stack, more: Mapping[str, str]) -> None:
        self.stack = stack
        self._services = {service.name: service for service in (*services(stack), *copies(stack, more))}
        self._clients = AsyncExitStack()
        key = load_or_make_key(stack.state.path("issuer-key.json"))
        self.issuer = Issuer(key, url=stack.find(Standins).addresses.issuer)

    # Processes

    def component(self, name: str) -> Component:
        """Return a store or one of our processes."""
        return self._services.get(name) or self.stack.component(name)

    async def start(self, *names: str) -> None:
        """Start stores or processes of ours side by side; return when each is healthy, or says that it is ready."""
        await asyncio.gather(*(asyncio.to_thread(self.component(name).start) for name in names))

    async def stop(self, *names: str) -> None:
        """Stop them gracefully."""
        await asyncio.gather(*(asyncio.to_thread(self.component(name).stop) for name in names))

    async def kill(self, name: str) -> None:
        """End a process as `kill -9` does."""
        await asyncio.to_thread(self.component(name).stop, immediate=True)

    async def terminate(self, name: str, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send the signal to one of our processes; return its exit code and the seconds until it was gone."""
        component = self._services[name]
        child = component.process._child
        assert child is not None, f"{name} does not run"
        began = time.monotonic()
        child.send_signal(number)
        code = await asyncio.to_thread(child.wait, _STOP_SECONDS)
        took = time.monotonic() - began
        await self.stop(name)  # forgets the pid
        return code, took

    def pids(self, *names: str) -> dict[str, int | None]:
        """Return the pids, which a restart would change."""
        return {name: self.component(name).process.pid for name in names}

    def log(self, name: str) -> str:
        """Return what the process wrote."""
        return self.component(name).process.log_file.read_text(errors="replace")

    def complaints(self) -> str:
        """Return the last warnings and errors of each of our processes: what one reads first when a test failed."""
        found = []
        for name, service in self._services.items():
            if service.process.log_file.exists():
                lines = [line for line in self.log(name).splitlines() if '"level":"info"' not in line]
                found += [f"{name}: {line[:_COMPLAINT_CHARACTERS]}" for line in lines[-_COMPLAINTS:]]
        return "\n".join(found)

    async def migrate(self) -> None:
        """Run the migration job."""
        await asyncio.to_thread(migrate, self.stack)

    async def run(self, module: str, *arguments: str) -> tuple[int, str]:
        """Run a command of ours to its end; return its exit code and what it wrote to its standard output."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments),
            env=minimal_environment(**self.stack.env()),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(_COMMAND_SECONDS):
            output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    async def readiness(self, name: str) -> dict[str, Any]:
        """Return the body of /health/ready."""
        body: dict[str, Any] = (await self._management(name, "/health/ready")).json()
        return body

    async def metric(self, name: str, metric: str, **labels: str) -> float:
        """Return the sum of a metric's samples that bear these labels."""
        text = (await self._management(name, "/metrics")).text
        total = 0.0
        for line in text.splitlines():
            sample, _, value = line.rpartition(" ")
            own_name, _, own_labels = sample.partition("{")
            if own_name == metric and all(
                f'{key}="{wanted}"' in own_labels for key, wanted in labels.items()
            ):
                total += float(value)
        return total

    async def _management(self, name: str, path: str) -> httpx2.Response:
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as client:
            return await client.get(self._services[name].management_url + path)

    # Doors

    @property
    def bootstrap(self) -> str:
        """Return the broker's host and port."""
        return self.stack.find(Kafka).bootstrap

    async def rest(self) -> Rest:
        """Return a client of the REST door; closed with the house."""
        return await self._clients.enter_async_context(Rest(addresses(self.stack)["API_URL"], self.issuer))

    async def grpc(self) -> Grpc:
        """Return a client of the gRPC door; closed with the house."""
        return await self._clients.enter_async_context(
            Grpc(addresses(self.stack)["GRPC_ADDRESS"], self.issuer)
        )

    async def payments(self) -> Payments:
        """Return a producer that plays Payment; closed with the house."""
        return await self._clients.enter_async_context(Payments(self.bootstrap))

    async def tail(self, topic: str) -> Tail:
        """Return a reader of a topic from its first record; closed with the house."""
        return await self._clients.enter_async_context(Tail(self.bootstrap, topic))

    async def rows(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[DictRow]:
        """Return what the database says, asked behind the service's back."""
        async with await psycopg.AsyncConnection.connect(
            self.stack.find(Postgres).dsn(), autocommit=True, row_factory=dict_row, connect_timeout=5
        ) as connection:
            cursor = await connection.execute(statement.encode(), parameters)
            return await cursor.fetchall() if cursor.description else []

    async def count(self, table: str, users: Collection[UUID] | None = None) -> int:
        """Return how many rows a table has, of these users or of all."""
        condition = "" if users is None else " WHERE user_id = ANY(%(users)s)"
        found = await self.rows(f"SELECT count(*) AS n FROM {table}{condition}", {"users": list(users or ())})
        return int(found[0]["n"])

    @asynccontextmanager
    async def locked(self, statement: str) -> AsyncIterator[None]:
        """Hold the locks that a statement takes while the block runs, then roll back."""
        async with await psycopg.AsyncConnection.connect(
            self.stack.find(Postgres).dsn(), connect_timeout=5
        ) as connection:
            await connection.execute(statement.encode())
            try:
                yield
            finally:
                await connection.rollback()

    async def close(self) -> None:
        """Close the clients, kill our processes, remove the stack."""
        await self._clients.aclose()
        for service in self._services.values():
            await asyncio.to_thread(service.stop, immediate=True)
        await asyncio.to_thread(self.stack.destroy)


@asynccontextmanager
async def open_house(
    directory: Path,
    *,
    settings: Mapping[str, str] | None = None,
    deployables: Collection[str] = DEPLOYABLES,
    more: Mapping[str, str] | None = None,
    before_start: Callable[[House], Awaitable[None]] | None = None,
) -> AsyncIterator[House]:
    """Start the stores, migrate, start the deployables; end all of it with the block.

    `settings` are variables for every process; `more` are further processes, each a copy of the one that it names;
    `before_start` is called on the migrated database. With no deployables nothing is started at all: the test decides
    what comes when.
    """
    house = House(_Stack(directory, settings or {}), more or {})
    try:
        if deployables:
            await house.start(*STORES)
            await house.migrate()
            if before_start is not None:
                await before_start(house)
            await house.start(*deployables)
        yield house
    finally:
        print(house.complaints())  # noqa: T201 - pytest shows it below a failure only
        await house.close()
