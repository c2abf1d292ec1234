"""Pages of a list (contract 2)."""

from dataclasses import dataclass

from library_domain.shared.errors import ValidationFailed

MAX_LIMIT = 100
MAX_OFFSET = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list is asked for: `limit` items (1 to 100) after the first `offset` (0 to 10,000).

    Raises ValidationFailed naming the field that is out of range.
    """

    limit: int = 20
    offset: int = 0

    def __post_init__(self) -> None:
        """Refuse what the contract does not allow."""
        if not 1 <= self.limit <= MAX_LIMIT:
            raise ValidationFailed(field="limit", reason="out_of_range", minimum=1, maximum=MAX_LIMIT)
        if not 0 <= self.offset <= MAX_OFFSET:
            raise ValidationFailed(field="offset", reason="out_of_range", minimum=0, maximum=MAX_OFFSET)
