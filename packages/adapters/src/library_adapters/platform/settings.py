"""Settings of the calls to one service of the platform."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from library_adapters.configuration import URL, Seconds, Secret

Address = Annotated[str, Field(pattern=r"^[^\s:/]+:[0-9]{1,5}$")]
"""`host:port`."""
Count = Annotated[int, Field(ge=1, le=1_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """How long we wait for another service, how often we ask again, and when we leave it alone (reliability 1)."""

    try_seconds: Seconds = 0.3
    """One try, connecting included."""
    total_seconds: Seconds = 1.5
    """All tries of one call and the pauses between them; a new token may take as long again."""
    tries: Count = 3
    pause_seconds: Seconds = 0.05
    """Before the second try; it doubles, and up to as much again is added at random."""
    failure_rate: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of failed tries among the last `window` at which the circuit opens."""
    window: Count = 20
    minimum_tries: Count = 5
    """The circuit stays closed until so many tries were seen."""
    open_seconds: Seconds = 5.0
    """How long an open circuit refuses before it lets one probe through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Where a service is, and who we are to it."""

    address: Address
    token_url: URL
    """Token endpoint of the platform's issuer (OAuth 2 client credentials)."""
    client_id: str
    client_secret: Secret
    tls: bool = False
    """Off where a mesh encrypts."""
    limits: CallLimits = field(default_factory=CallLimits)
