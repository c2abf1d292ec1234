"""How often a caller may ask (contract 2, Limits), and what they are told of it."""

from collections.abc import Sequence
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Protocol

from litestar.types import Scope

from library_adapters.redis import Quota
from library_api.refusals import RateLimited
from library_domain.shared.caller import current_caller

MAY_BURST = "may_burst"
"""In the `opt` of an operation whose time clients do not choose, as heartbeats: many may come at once (details 2.33)."""
_QUOTA = "quota"
_IPV6_PREFIX = 64


class RateLimits(Protocol):
    """Counts requests; `library_adapters.redis.RateLimiter` does."""

    async def take(self, caller: str, *, may_burst: bool = False) -> Quota | None:
        """Count one request of the caller; return where it stands, None if that cannot be known.

        One that may come in bursts counts in the longest window only.
        """
        ...


class Meter:
    """Charges each request to a user, or to its address as long as no user is known."""

    def __init__(self, limits: RateLimits | None) -> None:
        """Without `limits` nothing is counted."""
        self._limits = limits

    async def charge(self, scope: Scope) -> None:
        """Count the request as its caller's. Raises RateLimited for one too many; the headers are told either way."""
        if self._limits is None:
            return
        caller = current_caller()
        subject = (
            f"user:{caller.actor_id}" if caller.actor_id else f"address:{_neighbourhood(caller.ip_address)}"
        )
        quota = await self._limits.take(subject, may_burst=scope["route_handler"].opt.get(MAY_BURST, False))
        if quota is None:
            return
        scope["state"][_QUOTA] = quota
        if not quota.is_admitted:
            raise RateLimited(
                limit=quota.limit,
                window_seconds=quota.window_seconds,
                retry_after_seconds=max(1, quota.reset_seconds),
            )


def quota_headers(scope: Scope) -> Sequence[tuple[bytes, bytes]]:
    """Return what every answer to a counted request says of the rate limit."""
    quota: Quota | None = scope.get("state", {}).get(_QUOTA)
    if quota is None:
        return ()
    return (
        (b"ratelimit-limit", b"%d" % quota.limit),
        (b"ratelimit-remaining", b"%d" % quota.remaining),
        (b"ratelimit-reset", b"%d" % quota.reset_seconds),
    )


def _neighbourhood(address: str | None) -> str:
    """Return what one party holds: an IPv4 address, or the /64 in which it may choose any of 2^64 addresses."""
    if address is None:
        return "unknown"
    parsed = ip_address(address)
    return (
        str(IPv6Network((parsed, _IPV6_PREFIX), strict=False)) if isinstance(parsed, IPv6Address) else address
    )
