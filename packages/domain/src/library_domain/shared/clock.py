"""The only source of time for rules (data 13)."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time; a fake lets a test set it."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...
