"""What a token proves."""

from dataclasses import dataclass
from datetime import datetime

from library_domain.shared.access import Role
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a token proves."""

    subject: UserId
    roles: frozenset[Role]
    """At least one; `system` only alone."""
    expires_at: datetime
