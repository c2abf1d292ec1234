"""The platform's stand-ins as a component; the process itself is `library_devstack.standins`."""

import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from library_devstack.stack.component import Component
from library_devstack.stack.errors import NotHealthy
from library_devstack.stack.state import LOOPBACK, State

AUDIENCE = "library-service"
"""The `aud` of the issuer's tokens."""
CLIENT_ID = "library-service"
"""Under which we ask the issuer for tokens for our own calls."""
_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the stand-ins listen, for them and for those who call them."""

    state: State

    @property
    def issuer_port(self) -> int:
        """Return the port of the token issuer (HTTP)."""
        return self.state.port("issuer")

    @property
    def catalog_port(self) -> int:
        """Return the port of Catalog (gRPC)."""
        return self.state.port("catalog")

    @property
    def account_port(self) -> int:
        """Return the port of Account (gRPC)."""
        return self.state.port("account")

    @property
    def issuer(self) -> str:
        """Return the issuer's URL, which is also the `iss` of its tokens."""
        return f"http://{LOOPBACK}:{self.issuer_port}"

    @property
    def client_secret(self) -> str:
        """Return the secret of CLIENT_ID."""
        return self.state.secret("client")


class Standins(Component):
    """Token issuer, Catalog and Account in one process.

    Catalog knows the project's own sample, or everything in `data` (the directory of the public data).
    """

    name = "standins"
    port_names = ("issuer", "catalog", "account")

    def __init__(self, state: State, *, data: Path | None = None) -> None:
        super().__init__(state)
        self._public_data = data
        self.addresses = Addresses(state)

    def env(self) -> dict[str, str]:
        """Return the addresses and the settings of our deployables."""
        catalog = f"{LOOPBACK}:{self.addresses.catalog_port}"
        issuer = self.addresses.issuer
        jwks = f"{issuer}/.well-known/jwks.json"
        account = f"{LOOPBACK}:{self.addresses.account_port}"
        return {
            "TOKEN_ISSUER": issuer,
            "JWKS_URL": jwks,
            "CATALOG_ADDRESS": catalog,
            "ACCOUNT_ADDRESS": account,
            "LIBRARY_TOKENS__ISSUER": issuer,
            "LIBRARY_TOKENS__AUDIENCE": AUDIENCE,
            "LIBRARY_TOKENS__JWKS_URL": jwks,
            **self._service("CATALOG", catalog),
            **self._service("ACCOUNT", account),
        }

    def _service(self, section: str, address: str) -> dict[str, str]:
        """Return the settings by which our deployables find a service and prove who they are."""
        return {
            f"LIBRARY_{section}__ADDRESS": address,
            f"LIBRARY_{section}__TOKEN_URL": f"{self.addresses.issuer}/token",
            f"LIBRARY_{section}__CLIENT_ID": CLIENT_ID,
            f"LIBRARY_{section}__CLIENT_SECRET": self.addresses.client_secret,
        }

    def health(self) -> None:
        """Ask the issuer's /health, which answers when all three listen."""
        try:
            httpx.get(
                f"{self.addresses.issuer}/health", timeout=_TIMEOUT_SECONDS, trust_env=False
            ).raise_for_status()
        except httpx.HTTPError as problem:
            raise NotHealthy(str(problem)) from problem

    def _prepare(self) -> None:
        super()._prepare()
        # Chosen here, so that it is in the file that the process reads.
        _ = self.addresses.client_secret

    def _command(self) -> list[str]:
        data = [] if self._public_data is None else [str(self._public_data.resolve())]
        return [sys.executable, "-m", "library_devstack.standins", str(self._state.directory), *data]
