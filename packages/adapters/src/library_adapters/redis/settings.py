"""The sections `redis` and `rate_limit`."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from library_adapters.configuration import Seconds, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """How to reach Redis and how long to wait for it: not long, for whatever it gives can be done without."""

    url: Secret
    """`redis://`, `rediss://` or `unix://`, with password and database."""
    connections_max: Annotated[int, Field(ge=1, le=1_000)] = 5
    batch_max: Annotated[int, Field(ge=1, le=10_000)] = 256
    """How many requests are counted in one call; more wait for the next. 1 on Redis Cluster, where a call has one node."""
    timeout_seconds: Seconds = 0.2
    """Of a whole call, the wait for a free connection and connecting included."""
    circuit_failures: Annotated[int, Field(ge=1, le=100)] = 5
    """So many of the last ten calls must have failed, and at least half of them, before Redis is left alone."""
    circuit_open_seconds: Seconds = 5.0
    """How long it is left alone before one call tries again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """So many requests in so many seconds, counted from the first of them."""

    limit: Annotated[int, Field(ge=1, le=1_000_000)]
    seconds: Annotated[int, Field(ge=1, le=86_400)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitSettings:
    """How often one user may ask, and one address that shows no valid token (reliability 1).

    Two windows: a short one that a burst fits into, and a long one for the average.
    """

    enabled: bool = True
    burst_limit: Annotated[int, Field(ge=1, le=1_000_000)] = 120
    burst_seconds: Annotated[int, Field(ge=1, le=3_600)] = 15
    sustained_limit: Annotated[int, Field(ge=1, le=1_000_000)] = 600
    sustained_seconds: Annotated[int, Field(ge=1, le=86_400)] = 300

    def __post_init__(self) -> None:
        """Refuse windows that are none beside each other: of one length they would share a counter, and count twice."""
        if self.burst_seconds >= self.sustained_seconds:
            raise ValueError("burst_seconds must be less than sustained_seconds")

    @property
    def windows(self) -> tuple[Window, ...]:
        """Return both windows."""
        return (
            Window(limit=self.burst_limit, seconds=self.burst_seconds),
            Window(limit=self.sustained_limit, seconds=self.sustained_seconds),
        )
