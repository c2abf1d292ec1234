"""In what form a client wants an answer, where there is more than one (RFC 9110 12.5.1)."""

from collections.abc import Mapping, Sequence

from litestar.datastructures import Headers
from litestar.types import Scope

from library_api.preferences import weighted

JSON = "application/json"
CSV = "text/csv"
OFFERS = "offers"
"""An operation whose answer comes in several forms lists them in its `opt`, the one that is meant by default first."""


def wanted(scope: Scope) -> str | None:
    """Return the form that the request wants most; the default if it wants none of them, None where there is no choice."""
    offers: Sequence[str] | None = scope["route_handler"].opt.get(OFFERS)
    if offers is None:
        return None
    weights = dict(weighted(",".join(Headers.from_scope(scope).getall("accept", []))))
    # Of equal weights the first offered wins: `max` takes the first.
    return max(offers, key=lambda each: _weight(each, weights))


def _weight(media_type: str, weights: Mapping[str, float]) -> float:
    """Return how much the client wants it: by its own name, else by its family, else by `*/*`, else not at all."""
    family = f"{media_type.partition('/')[0]}/*"
    return next((weights[each] for each in (media_type, family, "*/*") if each in weights), 0.0)
