"""Who acts, as the door established it. The transaction writes it into every audit row (details 2.31)."""

from contextlib import AbstractContextManager
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


def acting(caller: Caller) -> AbstractContextManager[None]:
    """Let the block act on behalf of this caller."""
    return _Acting(caller)


class _Acting:
    """Plainly a class: every request enters several, and a generator would cost twice as much."""

    __slots__ = ("_caller", "_token")

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def __enter__(self) -> None:
        self._token = _current.set(self._caller)

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
