"""What the verification counts."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter


class TokenMetrics:
    """Counters of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._fetches = Counter(
            "library_jwks_fetches",
            "Fetches of the issuer's key set, by how they ended.",
            ("outcome",),
            registry=registry,
        )
        verifications = Counter(
            "library_token_verifications",
            "Verified tokens, by verdict: accepted or the reason of the refusal.",
            ("verdict",),
            registry=registry,
        )
        self._verifications = cache(verifications.labels)
        memory = Counter(
            "library_token_memory_lookups",
            "Tokens that were looked for among those verified a moment ago, by whether they were there.",
            ("outcome",),
            registry=registry,
        )
        self._hits, self._misses = memory.labels("hit"), memory.labels("miss")

    def fetched(self, outcome: str) -> None:
        """Count a fetch: `ok`, `unreachable` or `invalid`."""
        self._fetches.labels(outcome).inc()

    def verified(self, verdict: str) -> None:
        """Count a token."""
        self._verifications(verdict).inc()

    def remembered(self, *, is_known: bool) -> None:
        """Count a look into the memory of verified tokens."""
        (self._hits if is_known else self._misses).inc()
