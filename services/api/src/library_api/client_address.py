"""Who is at the other end, for the audit (details 3.11)."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MAX_HOPS = 16


def client_address(
    peer: str | None, forwarded_for: Iterable[str], *, trusted: Sequence[Network]
) -> str | None:
    """Return the peer, or behind trusted proxies the first address to their left in `X-Forwarded-For`.

    Read from the right, because that end was written by the proxies that we trust; whatever stands further left came
    with the request. An entry that is no address ends the walk: the proxy that passed it on is then the client.
    """
    address = _peer(peer)
    if address is None:
        return None
    hops = [entry for line in forwarded_for for entry in line.split(",")]
    for entry in reversed(hops[-_MAX_HOPS:]):
        if not any(address in network for network in trusted):
            break
        hop = _parse(entry)
        if hop is None:
            break
        address = hop
    return str(address)


@lru_cache(maxsize=1_024)
def _peer(text: str | None) -> Address | None:
    """Return the address that the socket has: that of a proxy, mostly, or of a client that keeps its connection."""
    return _parse(text)


def _parse(text: str | None) -> Address | None:
    try:
        address = ip_address((text or "").strip())
    except ValueError:
        return None
    # A socket for both families shows IPv4 clients as ::ffff:a.b.c.d.
    return getattr(address, "ipv4_mapped", None) or address
