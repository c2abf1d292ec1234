"""What the REST door is told at its start (contract 2; style 15)."""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated

from annotated_types import Ge, Le, MinLen
from pydantic import BeforeValidator

from library_adapters.account import AccountSettings
from library_adapters.configuration import Port, Seconds, Secret
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.process import ProcessSettings
from library_adapters.redis import RateLimitSettings, RedisSettings
from library_adapters.system import ClockSettings
from library_adapters.telemetry import LogSettings, ManagementSettings, TracingSettings
from library_adapters.tokens import TokenSettings

_MIN_KEY_CHARACTERS = 32


def _listed(value: object) -> object:
    """Return the parts of a text divided by commas: a variable holds no list, as the YAML file does."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPSettings:
    """The section `http`: the public port and its bounds; seconds unless the name says otherwise."""

    host: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")  # noqa: RUF009 - it is immutable
    """An address, for granian resolves no names."""
    port: Annotated[Port, Ge(1)] = 8080
    """Not 0: the server does not tell which port the system chose."""
    backlog: Annotated[int, Ge(128), Le(65_535)] = 1_024
    """Connections that wait to be accepted; more are refused by the system."""
    backpressure: Annotated[int, Ge(1), Le(65_535)] = 512
    """Requests in progress; more wait on their connection (reliability, row 5)."""
    header_timeout_seconds: Seconds = 5.0
    """How long a client may take to send its request's head (reliability, row 5)."""
    operation_timeout_seconds: Seconds = 5.0
    """How long a use case may take. Longer than the waits inside it: the pool's and the statement's."""
    drain_timeout_seconds: Seconds = 20.0
    """How long requests in progress may take after SIGTERM (reliability, anchors)."""
    body_timeout_seconds: Seconds = 10.0
    """How long a client may take to send its request's body (reliability, row 5)."""
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Pages of which origins may ask from a browser (details 3.11): none, unless they are listed."""
    cursor_key: Annotated[Secret, MinLen(_MIN_KEY_CHARACTERS)]
    """Signs cursors; the same for every process of a deployment. 32 random characters or more."""
    thin_lane: bool = True
    """Whether what is asked for most passes Litestar by; its answers are the same."""
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_listed)] = ()
    """Whose `X-Forwarded-For` is believed (details 3.11): networks, in the environment divided by commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that this process reads."""

    postgres: PostgresSettings
    redis: RedisSettings
    tokens: TokenSettings
    account: AccountSettings
    http: HTTPSettings
    clock: ClockSettings = field(default_factory=ClockSettings)
    rate_limit: RateLimitSettings = field(default_factory=RateLimitSettings)
    management: ManagementSettings = field(default_factory=ManagementSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)
    process: ProcessSettings = field(default_factory=ProcessSettings)
