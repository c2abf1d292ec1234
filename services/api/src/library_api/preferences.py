"""What a client would rather have, as its Accept headers weigh it (RFC 9110 12.4.2)."""

from collections.abc import Iterator

_MAX_RANGES = 32
"""A client has no more preferences than that; the rest of a longer header is not read."""


def weighted(header: str) -> Iterator[tuple[str, float]]:
    """Yield each range, in lower case and without its parameters, with its weight; what cannot be read is left out."""
    for part in header.split(",", _MAX_RANGES)[:_MAX_RANGES]:
        name, *parameters = part.split(";")
        weight: float | None = 1.0
        for parameter in filter(str.strip, parameters):
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                weight = _quality(value.strip())
        if weight is not None:
            yield name.strip().lower(), weight


def _quality(text: str) -> float | None:
    """Return a weight: 0 to 1, at most three places."""
    digits = text.replace(".", "", 1)
    if not digits.isascii() or not digits.isdigit() or len(digits) > len("1000"):
        return None
    weight = float(text)
    return weight if weight <= 1 else None
