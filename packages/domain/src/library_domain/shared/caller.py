"""Who acts, as the door established it. The transaction writes it into every audit row (details 2.31)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from library_domain.shared.access import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The acting party: a person, or `system` with no id of its own."""

    actor_id: UUID | None = None
    roles: frozenset[Role] = frozenset()
    ip_address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


NOBODY = Caller()
_current: ContextVar[Caller] = ContextVar("caller", default=NOBODY)


def current_caller() -> Caller:
    """Return who acts in this task; NOBODY when no door said."""
    return _current.get()


@contextmanager
def acting(caller: Caller) -> Iterator[None]:
    """Let the block act on behalf of this caller."""
    token = _current.set(caller)
    try:
        yield
    finally:
        _current.reset(token)
