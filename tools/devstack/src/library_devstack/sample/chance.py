"""Seeded choices. Made from hashes, so that a choice depends on its subject alone and on no Python version."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

_SEED = "library-sample-1"
_ONE = 1 << 64

_T = TypeVar("_T")


def number(about: str) -> int:
    """Return a number, 0 to 2**64 - 1, that the words always give."""
    return int.from_bytes(sha256(f"{_SEED}/{about}".encode()).digest()[:8])


def happens(about: str, *, probability: float) -> bool:
    """Decide, with this probability over all words."""
    return number(about) / _ONE < probability


def pick(about: str, options: Sequence[_T]) -> _T:
    """Choose one of the options."""
    return options[number(about) % len(options)]
