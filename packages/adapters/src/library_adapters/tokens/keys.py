"""Key sets (RFC 7517). A key verifies with one algorithm, fixed by its type: a token cannot choose (RFC 8725, 3.1)."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from loguru import logger

MAX_KEY_SET_BYTES = 256 * 1024
_MAX_KID = 256
_MIN_RSA_BITS = 2048
_ALGORITHMS: Mapping[tuple[str, str | None], str] = MappingProxyType(
    {
        ("RSA", None): "RS256",
        ("EC", "P-256"): "ES256",
        ("OKP", "Ed25519"): "EdDSA",
    },
)
"""By `kty` and `crv`. What is not here is no key of ours: above all `oct`, whose "public" part would be the secret."""


class KeySetInvalid(Exception):
    """It is no JWK set, or none of its keys is usable."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key with the only algorithm that it may verify."""

    kid: str
    algorithm: str
    key: Key


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


def parse_key_set(document: bytes) -> Mapping[str, SigningKey]:
    """Return the usable keys of a JWK set by `kid`; others are passed over.

    Raises KeySetInvalid.
    """
    if len(document) > MAX_KEY_SET_BYTES:
        raise KeySetInvalid("too large")
    try:
        entries = msgspec.json.decode(document, type=_KeySet).keys
    except (msgspec.DecodeError, RecursionError) as error:
        raise KeySetInvalid("not a JWK set") from error
    usable: dict[str, SigningKey] = {}
    for entry in entries:
        key = _parse(entry)
        if key is None:
            logger.debug("a key of the set is passed over", kty=str(entry.get("kty"))[:16])
        elif key.kid in usable:
            logger.warning("the key set holds two keys of one kid; the first is used", kid=key.kid)
        else:
            usable[key.kid] = key
    if not usable:
        raise KeySetInvalid("no usable key")
    return MappingProxyType(usable)


def _parse(entry: dict[str, Any]) -> SigningKey | None:
    """Return the key if it is one of ours: known type, for signatures, with a kid, strong enough."""
    kid, kty, crv = entry.get("kid"), entry.get("kty"), entry.get("crv")
    if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID or not isinstance(kty, str):
        return None
    algorithm = _ALGORITHMS.get((kty, None if kty == "RSA" else str(crv)))
    if algorithm is None or entry.get("alg", algorithm) != algorithm or entry.get("use", "sig") != "sig":
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # joserfc warns of weak keys, which are refused below
            key = JWKRegistry.import_key(entry)
            public = key.get_op_key("verify")
    except (JoseError, ValueError, TypeError):
        # cryptography answers impossible numbers (a point off the curve) with ValueError or TypeError.
        return None
    if kty == "RSA" and getattr(public, "key_size", 0) < _MIN_RSA_BITS:
        return None
    return SigningKey(kid, algorithm, key)
