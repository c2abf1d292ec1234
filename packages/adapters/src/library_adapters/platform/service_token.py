"""Who we are to the platform's other services: an access token by client credentials (ADR 0011)."""

import asyncio

from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from httpx2 import HTTPError

from library_adapters.platform.settings import ServiceSettings
from library_domain.shared.errors import DependencyUnavailable

LEEWAY_SECONDS = 30
"""A token is replaced so long before it expires: it must still hold when the other side looks at it."""


class ServiceToken:
    """The current token, fetched when it is first needed and again shortly before it expires; one fetch at a time."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._url = settings.token_url
        self._seconds = settings.limits.total_seconds
        self._client = AsyncOAuth2Client(
            client_id=settings.client_id,
            client_secret=settings.client_secret.get_secret_value(),
            timeout=settings.limits.total_seconds,
            # The issuer is named by the configuration alone, not by a proxy variable or a redirect.
            trust_env=False,
            follow_redirects=False,
        )
        self._fetching = asyncio.Lock()

    async def get(self) -> str:
        """Return a token that is good for at least LEEWAY_SECONDS.

        Raises DependencyUnavailable when the issuer gives none in time.
        """
        if not self._is_fresh():
            # The wait for somebody else's fetch counts too: behind a dead issuer nobody queues for long.
            try:
                async with asyncio.timeout(self._seconds), self._fetching:
                    if not self._is_fresh():
                        await self._fetch()
            except TimeoutError as error:
                raise DependencyUnavailable("token-issuer") from error
        return str(self._client.token["access_token"])

    def forget(self, token: str) -> None:
        """Fetch a new one next time: this one was refused."""
        if self._client.token and self._client.token["access_token"] == token:
            self._client.token = None

    async def close(self) -> None:
        """Close the connections to the issuer."""
        await self._client.aclose()

    def _is_fresh(self) -> bool:
        # An answer without expires_in gives a token that is used until it is refused.
        return bool(self._client.token) and not self._client.token.is_expired(leeway=LEEWAY_SECONDS)

    async def _fetch(self) -> None:
        try:
            token = await self._client.fetch_token(self._url, grant_type="client_credentials")
        except (HTTPError, OAuthError, ValueError) as error:
            raise DependencyUnavailable("token-issuer") from error
        if not isinstance(token.get("access_token"), str):
            self._client.token = None
            raise DependencyUnavailable("token-issuer")
