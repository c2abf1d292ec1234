"""Settings: one YAML file for all deployables, overridden by the environment, checked once at the start (details 2.30).

Whoever needs settings declares a frozen dataclass of its own; nothing outside this package knows where values
come from. The types here carry the limits that recur.
"""

from library_adapters.configuration.errors import ConfigurationInvalid, Problem
from library_adapters.configuration.loading import SECTIONS, load
from library_adapters.configuration.types import URL, Port, Seconds, Secret

__all__ = ["SECTIONS", "URL", "ConfigurationInvalid", "Port", "Problem", "Seconds", "Secret", "load"]
