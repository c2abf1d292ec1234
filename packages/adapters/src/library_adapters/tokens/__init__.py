"""Who calls: JWT verification (contract 3) with keys from the issuer's JWKS or from a file."""

from library_adapters.tokens.bearer import bearer_token
from library_adapters.tokens.identity import Identity
from library_adapters.tokens.key_store import KeyStore
from library_adapters.tokens.keys import KeySetInvalid, SigningKey, parse_key_set
from library_adapters.tokens.metrics import TokenMetrics
from library_adapters.tokens.settings import TokenSettings
from library_adapters.tokens.sources import FileSource, KeySource, KeySourceFailed, URLSource
from library_adapters.tokens.verifier import TokenVerifier, open_verifier

__all__ = [
    "FileSource",
    "Identity",
    "KeySetInvalid",
    "KeySource",
    "KeySourceFailed",
    "KeyStore",
    "SigningKey",
    "TokenMetrics",
    "TokenSettings",
    "TokenVerifier",
    "URLSource",
    "bearer_token",
    "open_verifier",
    "parse_key_set",
]
