from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry
from unit.adapters.catalog.scripted import (
    Monotonic,
    ScriptedCatalog,
    ScriptedIssuer,
    client_of,
    issuing,
    serving,
)

from library_adapters.catalog import CatalogClient


@pytest.fixture
def catalog() -> ScriptedCatalog:
    return ScriptedCatalog()


@pytest.fixture
async def issuer() -> AsyncIterator[ScriptedIssuer]:
    issuer = ScriptedIssuer()
    async with issuing(issuer):
        yield issuer


@pytest.fixture
async def port(catalog: ScriptedCatalog) -> AsyncIterator[int]:
    async with serving(catalog) as port:
        yield port


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def client(
    port: int, issuer: ScriptedIssuer, monotonic: Monotonic, registry: CollectorRegistry
) -> AsyncIterator[CatalogClient]:
    client = client_of(port, issuer, monotonic=monotonic, registry=registry)
    yield client
    await client.close()
