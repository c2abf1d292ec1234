"""Settings of the calls to Account."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Le

from library_adapters.platform import Count, ServiceSettings

_Staleness = Annotated[float, Gt(0), Le(60)]
"""Seconds for which an answer may be used again (contract: 60 at most)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings(ServiceSettings):
    """Where Account is, who we are to it, and how long we believe it."""

    cached_users: Count = 10_000
    known_seconds: _Staleness = 60.0
    """How long we believe that a user exists."""
    unknown_seconds: _Staleness = 5.0
    """How long we believe that a user does not exist: short, the account may just have been opened."""
