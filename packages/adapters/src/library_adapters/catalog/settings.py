"""Settings of the calls to Catalog."""

from dataclasses import dataclass

from library_adapters.configuration import Seconds
from library_adapters.platform import Count, ServiceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogSettings(ServiceSettings):
    """Where Catalog is, who we are to it, and how much of it we remember."""

    cached_games: Count = 10_000
    known_seconds: Seconds = 600.0
    """How long a description is used without asking again."""
    unknown_seconds: Seconds = 30.0
    """How long we believe that a game does not exist: short, it may just have been published."""
