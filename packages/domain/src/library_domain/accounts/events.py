"""Facts of the accounts slice."""

from dataclasses import dataclass
from typing import ClassVar

from library_domain.shared.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRequested(DomainEvent):
    """The account ended; what we keep of its user is to be erased: audited, not published."""

    action: ClassVar[str] = "request_erasure"

    reason: str | None
