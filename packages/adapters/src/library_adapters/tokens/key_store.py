"""The issuer's keys, kept fresh without ever making the issuer a condition of our availability.

Four rules (contract 3, reliability B15 and F): a set serves for its time to live and is renewed shortly before;
an unknown `kid` asks again, at most once in 30 s, so that a flood of made-up ones costs one fetch; whoever comes
during a fetch waits for that one; and when the issuer is away the last good set goes on serving.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextvars import Context
from types import MappingProxyType

from loguru import logger

from library_adapters.tokens.keys import KeySetInvalid, SigningKey, parse_key_set
from library_adapters.tokens.metrics import TokenMetrics
from library_adapters.tokens.sources import KeySource, KeySourceFailed
from library_domain.shared.errors import DependencyUnavailable

UNKNOWN_KID_SECONDS = 30.0
"""At most one fetch for unknown kids in so long."""
_RETRY_SECONDS = 30.0
"""Between failed renewals of a set that still serves."""
_FIRST_RETRY_SECONDS = 1.0
"""Between failed fetches while there is no set at all: nobody can be let in without one."""
_RENEW_AT = 0.9
"""Share of the time to live after which a set is renewed in the background."""


class KeyStore:
    """Finds the key of a `kid`. Safe for many tasks of one event loop."""

    def __init__(
        self,
        source: KeySource,
        *,
        ttl_seconds: float,
        metrics: TokenMetrics,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._ttl_seconds = ttl_seconds
        self._metrics = metrics
        self._monotonic = monotonic
        self._keys: Mapping[str, SigningKey] = MappingProxyType({})
        self._loaded_at = 0.0
        self._failing = False
        self._renewable_at = float("-inf")
        self._unknown_kid_at = float("-inf")
        self._fetch: asyncio.Task[None] | None = None
        self._generation = 0

    @property
    def generation(self) -> int:
        """Which key set serves: another number, another set, or the same one fetched anew."""
        return self._generation

    @property
    def is_settled(self) -> bool:
        """Whether `find` would take a key of the set without a thought of renewing it."""
        now = self._monotonic()
        return (
            self.loaded
            and self._fetch is None
            and now < max(self._loaded_at + self._ttl_seconds * _RENEW_AT, self._renewable_at)
        )

    @property
    def loaded(self) -> bool:
        """Whether there is a key set."""
        return bool(self._keys)

    async def load(self) -> bool:
        """Fetch the key set now, if no one does already; tell whether there is one afterwards."""
        await self._fetched()
        return self.loaded

    async def find(self, kid: str) -> SigningKey | None:
        """Return the key, or None if the issuer has none of that name.

        Raises DependencyUnavailable while no key set could be had yet.
        """
        await self._keep_fresh()
        key = self._keys.get(kid)
        if key is None and self._fetch is not None:
            await self._fetched()
            key = self._keys.get(kid)
        if key is None and self._monotonic() >= self._unknown_kid_at:
            self._unknown_kid_at = self._monotonic() + UNKNOWN_KID_SECONDS
            await self._fetched()
            key = self._keys.get(kid)
        return key

    async def close(self) -> None:
        """Give up a running fetch."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait([self._fetch])

    async def _keep_fresh(self) -> None:
        now = self._monotonic()
        may_fetch = self._fetch is not None or now >= self._renewable_at
        if not self.loaded:
            if may_fetch:
                await self._fetched()
            if not self.loaded:
                raise DependencyUnavailable("token-issuer")
        elif may_fetch and now >= self._loaded_at + self._ttl_seconds * _RENEW_AT:
            fetch = self._start()
            # Over its time a set is waited for, unless the issuer was away already: then waiting helps nobody.
            if now >= self._loaded_at + self._ttl_seconds and not self._failing:
                await asyncio.shield(fetch)

    async def _fetched(self) -> None:
        """Wait for the running fetch, or for a new one. A caller that leaves does not end it for the others."""
        await asyncio.shield(self._start())

    def _start(self) -> asyncio.Task[None]:
        if self._fetch is None:
            # An empty context: the fetch belongs to no caller's trace and logs.
            self._fetch = asyncio.create_task(self._renew(), name="jwks-fetch", context=Context())
            self._fetch.add_done_callback(self._over)
        return self._fetch

    def _over(self, _: asyncio.Task[None]) -> None:
        self._fetch = None

    async def _renew(self) -> None:
        """Fetch once and keep the result; a failure is logged, counted, and changes nothing."""
        try:
            keys = parse_key_set(await self._source.fetch())
        except (KeySourceFailed, KeySetInvalid) as error:
            self._failing = True
            self._renewable_at = self._monotonic() + (_RETRY_SECONDS if self.loaded else _FIRST_RETRY_SECONDS)
            self._metrics.fetched("unreachable" if isinstance(error, KeySourceFailed) else "invalid")
            logger.warning("the key set could not be renewed", reason=str(error), serving=len(self._keys))
            return
        if keys.keys() != self._keys.keys():
            logger.info("the issuer's keys are {}", sorted(keys))
        self._keys = keys
        self._generation += 1
        self._loaded_at = self._monotonic()
        self._failing = False
        self._renewable_at = float("-inf")
        self._metrics.fetched("ok")
