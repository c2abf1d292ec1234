"""From a token to an identity, or a refusal that tells nothing (contract 3, details 3.11, ASVS 5.0 V9, RFC 8725)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

import httpx2
import msgspec
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry
from loguru import logger
from prometheus_client import CollectorRegistry

from library_adapters.tokens.identity import Identity
from library_adapters.tokens.key_store import KeyStore
from library_adapters.tokens.memory import TokenMemory
from library_adapters.tokens.metrics import TokenMetrics
from library_adapters.tokens.settings import TokenSettings
from library_adapters.tokens.sources import FileSource, KeySourceFailed, URLSource
from library_domain.shared.access import Role
from library_domain.shared.clock import Clock
from library_domain.shared.errors import Forbidden, Unauthenticated
from library_domain.shared.ids import UserId

MAX_TOKEN_CHARACTERS = 8 * 1024
MAX_LIFETIME_SECONDS = 24 * 60 * 60
"""`exp − iat` at most (data 32): what a stolen key can forge does not live for years."""
_MAX_KID = 256
_TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
_REFUSED_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip"})
"""Headers that bring keys along or change what is signed."""
_ROLES = {role.value: role for role in Role}


class _Claims(msgspec.Struct, frozen=True):
    """The claims that count, in the only types that count. Others are not looked at."""

    iss: str
    aud: str | list[str]
    sub: UUID
    exp: int
    iat: int
    nbf: int | None = None
    role: str | None = None
    roles: list[str] = []


class _Refused(Exception):
    """Why a token is not accepted; for our metrics and logs, never for the caller."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Algorithms(JWSRegistry):
    """The three algorithms of the contract, whatever joserfc recommends.

    RFC 9864 renames EdDSA, of which joserfc warns at every use; issuers and our contract still call it so.
    """

    def get_alg(self, name: str) -> JWSAlgModel:
        if name not in {"RS256", "ES256", "EdDSA"}:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


_ALGORITHMS = _Algorithms(strict_check_header=False)


class TokenVerifier:
    """Verifies access tokens of one issuer for one audience."""

    def __init__(
        self, settings: TokenSettings, *, keys: KeyStore, clock: Clock, metrics: TokenMetrics
    ) -> None:
        """Take the real clock: tokens live in real time even where the stack's runs faster (data 13)."""
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._metrics = metrics
        self._memory = TokenMemory(settings, keys=keys, clock=clock, metrics=metrics)

    async def verify(self, token: str) -> Identity:
        """Return whom the token proves.

        Raises Unauthenticated, with the same empty details for every reason; Forbidden for a good token without a
        role that we know; DependencyUnavailable while the issuer's keys could not be had yet.
        """
        identity = self._memory.recall(token)
        if identity is not None:
            self._metrics.verified("accepted")
            return identity
        try:
            identity = await self._verify(token)
        except _Refused as refusal:
            self._metrics.verified(refusal.reason)
            logger.debug("a token is refused: {}", refusal.reason)
            raise Unauthenticated from refusal
        if not identity.roles:
            self._metrics.verified("no_role")
            raise Forbidden
        self._metrics.verified("accepted")
        # Nothing was awaited since the key was found, so the key set is still the one that it was found in.
        self._memory.remember(token, identity)
        return identity

    async def _verify(self, token: str) -> Identity:
        signed = _parse(token)
        await self._check_signature(signed)
        try:
            claims = msgspec.json.decode(signed.payload, type=_Claims)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _Refused("claims") from error
        self._check_claims(claims)
        return Identity(
            subject=UserId(claims.sub),
            roles=_roles(claims),
            expires_at=datetime.fromtimestamp(claims.exp, UTC),
        )

    async def _check_signature(self, signed: jws.CompactSignature) -> None:
        key = await self._keys.find(signed.headers()["kid"])
        if key is None:
            raise _Refused("unknown_key")
        if signed.headers()["alg"] != key.algorithm:
            raise _Refused("algorithm")
        try:
            genuine = jws.validate_compact(signed, key.key, registry=_ALGORITHMS)
        except (JoseError, ValueError) as error:
            raise _Refused("signature") from error
        if not genuine:
            raise _Refused("signature")

    def _check_claims(self, claims: _Claims) -> None:
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        now, leeway = self._clock.now().timestamp(), self._settings.leeway_seconds
        if claims.iss != self._settings.issuer:
            raise _Refused("issuer")
        if self._settings.audience not in audiences:
            raise _Refused("audience")
        if not 0 < claims.exp - claims.iat <= MAX_LIFETIME_SECONDS:
            raise _Refused("lifetime")
        if now >= claims.exp + leeway:
            raise _Refused("expired")
        if now < max(claims.iat, claims.nbf or 0) - leeway:
            raise _Refused("not_yet_valid")


def _parse(token: str) -> jws.CompactSignature:
    """Take the token apart and check its header, before any key is looked for."""
    if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
        raise _Refused("malformed")
    try:
        signed = jws.extract_compact(token.encode("ascii"), registry=_ALGORITHMS)
    except (JoseError, ValueError, RecursionError) as error:
        raise _Refused("malformed") from error
    header = signed.headers()
    if not _REFUSED_HEADERS.isdisjoint(header):
        raise _Refused("header")
    kid, kind = header.get("kid"), header.get("typ")
    if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID:
        raise _Refused("kid")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise _Refused("type")
    return signed


def _roles(claims: _Claims) -> frozenset[Role]:
    """Return the union of the roles that we know. A bearer is not `anonymous`, so that one counts for nothing."""
    named = {*claims.roles, claims.role}
    known = frozenset(_ROLES[name] for name in named if name in _ROLES)
    if Role.SYSTEM in known and len(known) > 1:
        raise _Refused("roles")
    return _shared(known - {Role.ANONYMOUS})


@cache
def _shared(roles: frozenset[Role]) -> frozenset[Role]:
    """Return one set for all who have the same roles: it would be a third of what is remembered of a token."""
    return roles


@asynccontextmanager
async def open_verifier(
    settings: TokenSettings,
    *,
    clock: Clock,
    registry: CollectorRegistry,
) -> AsyncIterator[TokenVerifier]:
    """Open a verifier with its connection to the issuer; its keys are fetched before the block begins.

    An issuer that does not answer does not stop the start: the keys are fetched when it does.

    Raises KeySourceFailed when the keys are in a file that has no usable ones: that is a mistake of configuration.
    """
    metrics = TokenMetrics(registry)
    # trust_env=False: a proxy or .netrc of the machine has no say in where our keys come from.
    async with httpx2.AsyncClient(timeout=settings.fetch_timeout_seconds, trust_env=False) as client:
        source = (
            FileSource(settings.jwks_file)
            if settings.jwks_url is None and settings.jwks_file is not None
            else URLSource(
                settings.jwks_url or "", client=client, timeout_seconds=settings.fetch_timeout_seconds
            )
        )
        keys = KeyStore(source, ttl_seconds=settings.key_ttl_seconds, metrics=metrics)
        try:
            if not await keys.load() and settings.jwks_file is not None:
                raise KeySourceFailed(f"{settings.jwks_file}: no usable key")
            yield TokenVerifier(settings, keys=keys, clock=clock, metrics=metrics)
        finally:
            await keys.close()
