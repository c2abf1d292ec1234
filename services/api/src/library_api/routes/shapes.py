"""What more than one module of endpoints takes and answers."""

from typing import TypeVar

import msgspec

from library_api.envelope import Success
from library_domain.shared.unset import UNSET, Unset

ValueT = TypeVar("ValueT")


class NothingAnswer(Success, frozen=True, kw_only=True):
    """It is done, and there is nothing to show."""

    data: None = None


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A JSON body: a member that it does not declare is refused by name (contract 1)."""


def told(value: ValueT | msgspec.UnsetType) -> ValueT | Unset:
    """Return a member of a merge patch as the domain knows it."""
    return UNSET if value is msgspec.UNSET else value
