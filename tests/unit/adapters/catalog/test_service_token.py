"""Who we are to Catalog."""

import asyncio
import socket
from urllib.parse import parse_qs

import pytest
from grpclib.const import Status
from unit.adapters.catalog.scripted import ScriptedCatalog, ScriptedIssuer, client_of, game_id

from library_adapters.catalog import CatalogClient
from library_domain.shared.errors import DependencyUnavailable


def used(catalog: ScriptedCatalog) -> list[str]:
    return [metadata["authorization"] for metadata in catalog.metadata]


async def test_one_token_serves_all_calls(
    client: CatalogClient, catalog: ScriptedCatalog, issuer: ScriptedIssuer
) -> None:
    await asyncio.gather(*(client.games([game_id(number)]) for number in range(10)))
    await client.games([game_id(99)])

    assert issuer.fetched == 1
    assert set(used(catalog)) == {"Bearer token-1"}
    assert parse_qs(issuer.bodies[0]) == {"grant_type": ["client_credentials"]}


async def test_a_token_about_to_expire_is_replaced(
    client: CatalogClient, catalog: ScriptedCatalog, issuer: ScriptedIssuer
) -> None:
    issuer.expires_in = 29

    await client.games([game_id(1)])
    await client.games([game_id(2)])

    assert used(catalog) == ["Bearer token-1", "Bearer token-2"]


async def test_a_refused_token_is_replaced(
    client: CatalogClient, catalog: ScriptedCatalog, issuer: ScriptedIssuer
) -> None:
    catalog.failures = [Status.UNAUTHENTICATED]

    with pytest.raises(DependencyUnavailable):
        await client.games([game_id(1)])
    await client.games([game_id(1)])

    assert used(catalog) == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("status", [400, 503])
async def test_an_issuer_that_refuses_is_named_and_not_blamed_on_catalog(
    client: CatalogClient, catalog: ScriptedCatalog, issuer: ScriptedIssuer, status: int
) -> None:
    issuer.status = status

    with pytest.raises(DependencyUnavailable) as raised:
        await client.games([game_id(1)])

    assert raised.value.details == {"dependency": "token-issuer"}
    assert not catalog.asked


async def test_an_issuer_that_hangs_is_not_waited_for_in_a_queue(port: int) -> None:
    issuer = ScriptedIssuer()
    client = client_of(port, issuer, total_seconds=0.2)

    # It is connected to and never accepts. An asyncio server that ends while somebody still connects leaves the socket open.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        issuer.port = silent.getsockname()[1]
        async with asyncio.timeout(2):
            outcomes = await asyncio.gather(
                *(client.games([game_id(number)]) for number in range(20)), return_exceptions=True
            )
        await client.close()

    assert {type(outcome) for outcome in outcomes} == {DependencyUnavailable}
