"""Where the service is, and how a player asks it."""

from dataclasses import dataclass
from uuid import UUID

import httpx

from library_devstack.standins.issuer import Issuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Where the service is."""

    api_url: str
    grpc_address: str
    bootstrap: str


async def ask(client: httpx.AsyncClient, issuer: Issuer, user: UUID, path: str) -> httpx.Response:
    """Ask as this player."""
    return await client.get(path, headers={"Authorization": f"Bearer {issuer.mint(user)}"})
