"""A member that a request leaves out, which is not the same as one that it clears (details 3.4: JSON Merge Patch)."""

from enum import Enum
from typing import Final, Literal


class Unset(Enum):
    """The type of UNSET; an enum, because type checkers narrow it."""

    UNSET = "unset"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET
"""Leave it as it is."""
