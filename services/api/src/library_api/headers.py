"""Headers of a request, as the server received them.

Litestar's `Headers` are a dictionary of all of them, which costs more than to look a few of them up.
"""

from litestar.types import Scope


def values_of(scope: Scope, name: bytes) -> list[str]:
    """Return the value of each line of this name, which is in small letters, as names are in a scope."""
    return [value.decode("latin-1") for given, value in scope["headers"] if given == name]
