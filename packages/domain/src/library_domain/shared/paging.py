"""Pages of a list, by offset or from where the page before ended (contract 2, details 3.9)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from library_domain.shared.errors import ValidationFailed

MAX_LIMIT = 100
MAX_OFFSET = 10_000


class Order(StrEnum):
    """Which way a list runs; what has no value to sort by comes last both ways."""

    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a page ended: the value that its last item was sorted by, and that item's id, which breaks ties."""

    key: str | int | datetime | None
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list is asked for: `limit` items (1 to 100) behind a position or after `offset` (0 to 10,000).

    Raises ValidationFailed naming the field that is out of range.
    """

    limit: int = 20
    offset: int = 0
    after: Position | None = None

    def __post_init__(self) -> None:
        """Refuse what the contract does not allow."""
        if not 1 <= self.limit <= MAX_LIMIT:
            raise ValidationFailed(field="limit", reason="out_of_range", minimum=1, maximum=MAX_LIMIT)
        if not 0 <= self.offset <= MAX_OFFSET:
            raise ValidationFailed(field="offset", reason="out_of_range", minimum=0, maximum=MAX_OFFSET)
        if self.after is not None and self.offset:
            raise ValidationFailed(field="offset", reason="not_with_cursor")
