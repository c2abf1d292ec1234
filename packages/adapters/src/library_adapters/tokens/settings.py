"""The section `tokens`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from library_adapters.configuration import URL, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """Whose tokens are accepted, and where their keys are: exactly one of `jwks_url` and `jwks_file`."""

    issuer: Annotated[str, Field(min_length=1)]
    """The `iss` that a token must bear, exactly."""
    audience: Annotated[str, Field(min_length=1)] = "library-service"
    """What a token's `aud` must be or contain."""
    jwks_url: URL | None = None
    jwks_file: Path | None = None
    leeway_seconds: Annotated[int, Field(ge=0, le=60)] = 60
    """How far the issuer's clock and ours may differ (contract 3: at most 60)."""
    key_ttl_seconds: Seconds = 600.0
    """How long a fetched key set serves; a key that the issuer withdrew is refused after so long at the latest."""
    fetch_timeout_seconds: Seconds = 2.0
    memory_entries: Annotated[int, Field(ge=0, le=1_000_000)] = 50_000
    """How many verified tokens are remembered, so that the next request with one costs no signature; 0: none.
    Half a kilobyte each: those of all who ask a process within a minute find room."""
    memory_seconds: Annotated[float, Field(gt=0, le=60)] = 60.0
    """How long at most (data 32), and never past a token's own end or the next fetch of the key set."""

    def __post_init__(self) -> None:
        """Refuse settings without keys or with two sources of them."""
        if (self.jwks_url is None) == (self.jwks_file is None):
            raise ValueError("exactly one of jwks_url and jwks_file is needed")
