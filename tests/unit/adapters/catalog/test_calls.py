"""Slow, sick or away: how long we wait, how often we ask, when we stop asking (reliability 1)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any

import pytest
from grpclib.const import Status
from prometheus_client import CollectorRegistry
from unit.adapters.catalog.scripted import (
    Monotonic,
    ScriptedCatalog,
    ScriptedIssuer,
    client_of,
    described,
    game_id,
)

from library_adapters.catalog import CatalogClient
from library_domain.shared.errors import DependencyUnavailable

FIRST = game_id(1)
CLOSED, HALF_OPEN, OPEN = 0, 1, 2


@asynccontextmanager
async def client_with(port: int, issuer: ScriptedIssuer, **values: Any) -> AsyncIterator[CatalogClient]:
    client = client_of(port, issuer, **values)
    try:
        yield client
    finally:
        await client.close()


def circuit(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("library_dependency_circuit_state", {"dependency": "catalog"})


async def hang() -> None:
    await asyncio.Event().wait()


class TestTries:
    @pytest.mark.parametrize("status", [Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED])
    async def test_go_on_until_one_is_answered(
        self, client: CatalogClient, catalog: ScriptedCatalog, status: Status
    ) -> None:
        catalog.describe(described(1))
        catalog.failures = [status, status]

        assert set(await client.games([FIRST])) == {FIRST}
        assert len(catalog.asked) == 3

    async def test_end_after_three(self, client: CatalogClient, catalog: ScriptedCatalog) -> None:
        catalog.failures = [Status.UNAVAILABLE] * 9

        with pytest.raises(DependencyUnavailable) as raised:
            await client.games([FIRST])

        assert raised.value.details == {"dependency": "catalog"}
        assert len(catalog.asked) == 3

    @pytest.mark.parametrize("status", [Status.INVALID_ARGUMENT, Status.PERMISSION_DENIED, Status.INTERNAL])
    async def test_are_not_repeated_where_that_would_not_help(
        self, client: CatalogClient, catalog: ScriptedCatalog, status: Status
    ) -> None:
        catalog.failures = [status]

        with pytest.raises(DependencyUnavailable):
            await client.games([FIRST])

        assert len(catalog.asked) == 1

    async def test_each_end_in_time(
        self, port: int, issuer: ScriptedIssuer, catalog: ScriptedCatalog
    ) -> None:
        catalog.does = hang

        async with client_with(port, issuer, try_seconds=0.05) as client:
            with pytest.raises(DependencyUnavailable):
                await client.games([FIRST])

        assert len(catalog.asked) == 3

    async def test_end_together_in_time(
        self, port: int, issuer: ScriptedIssuer, catalog: ScriptedCatalog
    ) -> None:
        catalog.does = hang
        started = perf_counter()

        async with client_with(port, issuer, try_seconds=10, total_seconds=0.2) as client:
            with pytest.raises(DependencyUnavailable):
                await client.games([FIRST])

        assert perf_counter() - started < 2
        assert len(catalog.asked) == 1


class TestCircuit:
    @pytest.fixture
    async def sick(
        self,
        port: int,
        issuer: ScriptedIssuer,
        catalog: ScriptedCatalog,
        monotonic: Monotonic,
        registry: CollectorRegistry,
    ) -> AsyncIterator[CatalogClient]:
        """Yield a client whose circuit was just opened by five failures."""
        limits = {"tries": 1, "minimum_tries": 5, "open_seconds": 5.0}
        async with client_with(port, issuer, monotonic=monotonic, registry=registry, **limits) as client:
            catalog.failures = [Status.UNAVAILABLE] * 5
            for number in range(5):
                assert circuit(registry) == CLOSED, number
                with pytest.raises(DependencyUnavailable):
                    await client.games([FIRST])
            yield client

    async def test_opens_and_spares_catalog(
        self, sick: CatalogClient, catalog: ScriptedCatalog, registry: CollectorRegistry
    ) -> None:
        with pytest.raises(DependencyUnavailable) as raised:
            await sick.games([FIRST])

        assert circuit(registry) == OPEN
        assert len(catalog.asked) == 5
        assert raised.value.retry_after_seconds == 5

    async def test_lets_exactly_one_probe_through(
        self, sick: CatalogClient, catalog: ScriptedCatalog, monotonic: Monotonic, registry: CollectorRegistry
    ) -> None:
        probing, go_on = asyncio.Event(), asyncio.Event()

        async def probe() -> None:
            probing.set()
            await go_on.wait()

        catalog.does = probe
        monotonic.now += 5.1
        calls = [asyncio.create_task(sick.games([game_id(number)])) for number in range(20)]
        await probing.wait()
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert circuit(registry) == HALF_OPEN
        go_on.set()
        outcomes = Counter(map(type, await asyncio.gather(*calls, return_exceptions=True)))

        assert outcomes == {dict: 1, DependencyUnavailable: 19}
        assert len(catalog.asked) == 6
        assert circuit(registry) == CLOSED

    async def test_opens_again_when_the_probe_fails(
        self, sick: CatalogClient, catalog: ScriptedCatalog, monotonic: Monotonic, registry: CollectorRegistry
    ) -> None:
        catalog.failures = [Status.UNAVAILABLE]
        monotonic.now += 5.1

        for _ in range(3):
            with pytest.raises(DependencyUnavailable):
                await sick.games([FIRST])

        assert len(catalog.asked) == 6
        assert circuit(registry) == OPEN

    async def test_probes_through_a_new_connection(
        self, sick: CatalogClient, catalog: ScriptedCatalog, monotonic: Monotonic
    ) -> None:
        assert len(catalog.connections) == 1
        monotonic.now += 5.1

        await sick.games([FIRST])

        assert len(catalog.connections) == 2

    async def test_stays_closed_when_catalog_says_no(
        self, client: CatalogClient, catalog: ScriptedCatalog, registry: CollectorRegistry
    ) -> None:
        catalog.failures = [Status.INVALID_ARGUMENT] * 10

        for _ in range(10):
            with pytest.raises(DependencyUnavailable):
                await client.games([FIRST])

        assert circuit(registry) == CLOSED
