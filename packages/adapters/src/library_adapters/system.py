"""Time and identifiers from the machine: the real `Clock` and `IdSource` of the domain."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils import compat


class SystemClock:
    """Tells the machine's time (data 13); implements `library_domain.shared.clock.Clock`."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)


class Uuid7Source:
    """Mints UUIDv7, ascending within a process; implements `library_domain.shared.ids.IdSource`."""

    def new(self) -> UUID:
        """Return a new UUIDv7 (contract 1)."""
        return compat.uuid7()
