"""A token issuer that makes good tokens by default and any bad one on demand; fakes of time and key source."""

import asyncio
import base64
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from library_adapters.tokens import KeySourceFailed

ISSUER = "https://issuer.test"
AUDIENCE = "library-service"
SUBJECT = "0190c1a2-7b3c-7def-8123-456789abcdef"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TIMESTAMP = int(NOW.timestamp())


def segment(value: object) -> str:
    """Encode one part of a token, however odd."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@cache
def key_of(name: str) -> Key:
    """Return the test's key of this name; made once, for RSA keys are slow to make."""
    if name.startswith("rsa"):
        return RSAKey.generate_key(2048)
    if name.startswith("ec"):
        return ECKey.generate_key("P-256")
    return OKPKey.generate_key("Ed25519")


class _AnyAlgorithm(JWSRegistry):
    """Signs with whatever a hostile case asks for."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]

    def check_header(self, header: Any) -> None:
        pass


class Issuer:
    """Signs tokens, good by default."""

    def claims(self, **overrides: object) -> dict[str, object]:
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": SUBJECT,
            "exp": TIMESTAMP + 3600,
            "iat": TIMESTAMP,
            "role": "user",
        }
        merged = claims | overrides
        return {name: value for name, value in merged.items() if value is not ...}

    def token(
        self,
        *,
        header: dict[str, object] | None = None,
        key: str = "rsa",
        signing_key: Key | None = None,
        payload: bytes | None = None,
        **claims: object,
    ) -> str:
        """Return a token; `...` as a value leaves a header or claim out."""
        algorithm = {"r": "RS256", "e": "ES256", "o": "EdDSA"}[key[0]]
        merged: dict[str, object] = {"alg": algorithm, "kid": key, "typ": "JWT"} | (header or {})
        protected = {name: value for name, value in merged.items() if value is not ...}
        body = payload if payload is not None else json.dumps(self.claims(**claims)).encode()
        signed_by = signing_key or key_of(key)
        if (
            protected.get("alg") in JWSRegistry.algorithms
            and "b64" not in protected
            and "crit" not in protected
        ):
            return jws.serialize_compact(protected, body, signed_by, registry=_AnyAlgorithm())
        # A header that no library would write: sign it by hand with the key's own algorithm.
        signing_input = f"{segment(protected)}.{segment(body)}"
        signature = JWSRegistry.algorithms[algorithm].sign(signing_input.encode(), signed_by)
        return f"{signing_input}.{segment(signature)}"


def public_jwk(name: str, **overrides: object) -> dict[str, Any]:
    return {**key_of(name).as_dict(private=False), "kid": name, "use": "sig", **overrides}


def jwks(*names: str) -> bytes:
    return json.dumps({"keys": [public_jwk(name) for name in names]}).encode()


@dataclass
class FakeSource:
    """A key source whose answers a test sets; `fail` makes the issuer unreachable."""

    document: bytes
    fail: bool = False
    fetches: int = 0
    before_answer: Callable[[], Any] | None = None
    """An async function that a fetch awaits before it answers."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the first fetch."""

    async def fetch(self) -> bytes:
        self.fetches += 1
        self.asked.set()
        if self.before_answer is not None:
            await self.before_answer()
        if self.fail:
            raise KeySourceFailed("the issuer is away")
        return self.document


@dataclass
class FakeMonotonic:
    """Seconds that pass when a test says so."""

    now: float = field(default=1000.0)

    def __call__(self) -> float:
        return self.now


class FixedClock:
    def now(self) -> datetime:
        return NOW


def oct_jwk(secret: bytes, kid: str) -> dict[str, Any]:
    return {**OctKey.import_key(secret).as_dict(), "kid": kid}


def weak_rsa_jwk(kid: str) -> dict[str, Any]:
    with warnings.catch_warnings(action="ignore"):  # joserfc warns of the size, which is the point
        return {**RSAKey.generate_key(1024).as_dict(private=False), "kid": kid}
