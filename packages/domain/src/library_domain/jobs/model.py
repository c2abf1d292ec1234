"""A job as the one sees it that works it, and what its step comes to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job, claimed: nobody else works it until its lease runs out."""

    kind: str
    key: str
    lease: UUID
    """Who holds it; no two claims ever have the same."""
    payload: bytes | None = None
    cursor: str | None = None
    """Where its last step stopped; None at the beginning."""
    attempts: int = 1
    """Which try this is since the last step that came to something, from 1."""
    failures: int = 0
    """How many of the tries before were our fault: an error of ours, or a runner that did not live to say."""
    created_at: datetime
    """When it was first asked for with this payload."""


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """What it waits for did not come in time; it is let go of, and counted."""


@dataclass(frozen=True, slots=True)
class Continue:
    """A step is done, the next begins here, right away."""

    cursor: str


@dataclass(frozen=True, slots=True)
class Again:
    """Nothing is left to do now; begin anew at this time."""

    at: datetime


JobResult = Done | Dropped | Continue | Again
"""What a step comes to. A step may be made twice (its runner may die before it said so), so it must do nothing twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What somebody must look after of one kind of job."""

    kind: str
    due: int
    """Those that wait for a runner, and those whose runner let its lease run out."""
    failed: int
    due_since: datetime | None
    """When the job became due that waits longest; None if none is due."""
