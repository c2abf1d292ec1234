"""What is to be erased, and why (contract 4.7)."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from library_domain.shared.ids import UserId


class ErasureState(StrEnum):
    """How far an erasure is; nothing is erased yet (details 3.1)."""

    REQUESTED = "requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureJob:
    """The data of one user that is to be erased."""

    user_id: UserId
    requested_at: datetime
    """When the account ended, as Account says."""
    event_id: UUID
    reason: str | None = None
    state: ErasureState = ErasureState.REQUESTED

    def asked_again(self, other: "ErasureJob") -> "ErasureJob":
        """Return what two requests say together, in whatever order they come: the first one counts."""
        first = min(self, other, key=lambda job: (job.requested_at, job.event_id))
        return replace(first, state=self.state)
