"""The Authorization header, which REST and gRPC share."""

import re

from library_domain.shared.errors import Unauthenticated

# Of the scheme alone, for it makes each character of a long token cost five times as much.
_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9_.-]+)")


def bearer_token(authorization: str | None) -> str:
    """Return the one token of `Authorization: Bearer …` (the scheme in any case, RFC 9110 section 11.1).

    Raises Unauthenticated when it is absent, of another scheme, or holds anything but one token.
    """
    match = _BEARER.fullmatch(authorization or "")
    if match is None:
        raise Unauthenticated
    return match[1]
