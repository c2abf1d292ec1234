import pytest
from loguru import logger
from prometheus_client import CollectorRegistry
from unit.adapters.tokens.issuing import AUDIENCE, ISSUER, FakeMonotonic, FakeSource, FixedClock, Issuer, jwks

from library_adapters.tokens import KeyStore, TokenMetrics, TokenSettings, TokenVerifier


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def monotonic() -> FakeMonotonic:
    return FakeMonotonic()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def source() -> FakeSource:
    return FakeSource(jwks("rsa", "ec", "okp"))


@pytest.fixture
def keys(source: FakeSource, monotonic: FakeMonotonic, registry: CollectorRegistry) -> KeyStore:
    return KeyStore(source, ttl_seconds=600, metrics=TokenMetrics(registry), monotonic=monotonic)


@pytest.fixture(params=[0, 10_000], ids=["plain", "remembering"])
def verifier(keys: KeyStore, request: pytest.FixtureRequest) -> TokenVerifier:
    settings = TokenSettings(
        issuer=ISSUER,
        audience=AUDIENCE,
        jwks_url="https://issuer.test/jwks",
        memory_entries=request.param,
    )
    return TokenVerifier(settings, keys=keys, clock=FixedClock(), metrics=TokenMetrics(CollectorRegistry()))


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logger.remove()
