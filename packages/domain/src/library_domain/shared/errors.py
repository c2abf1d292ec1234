"""Anticipated failures (architecture, law 6): each has a kind and a stable slug; everything else is a bug."""

from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """What sort of failure it is; each door owns one table from kind to its protocol."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNPROCESSABLE = "unprocessable"
    UNAVAILABLE = "unavailable"


class DomainError(Exception):
    """An anticipated failure; `details` is safe to show to the caller."""

    kind: ClassVar[Kind]
    slug: ClassVar[str]

    def __init__(self, **details: object) -> None:
        super().__init__(type(self).__doc__)
        self.details = details


class ValidationFailed(DomainError):
    """An input breaks a rule; `details` names the field and the reason."""

    kind = Kind.INVALID
    slug = "VALIDATION_ERROR"


class Unauthenticated(DomainError):
    """The caller did not prove who they are."""

    kind = Kind.UNAUTHENTICATED
    slug = "UNAUTHORIZED"


class Forbidden(DomainError):
    """The caller's role may not do this."""

    kind = Kind.FORBIDDEN
    slug = "FORBIDDEN"


class DependencyUnavailable(DomainError):
    """Something that we depend on does not answer; trying again later may help.

    `dependency` names it; `retry_after_seconds` is what the caller is told to wait.
    """

    kind = Kind.UNAVAILABLE
    slug = "DEPENDENCY_UNAVAILABLE"

    def __init__(self, dependency: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(dependency=dependency)
        self.retry_after_seconds = retry_after_seconds


class UserNotFound(DomainError):
    """There is no such user."""

    kind = Kind.NOT_FOUND
    slug = "NOT_FOUND"


class UserErased(DomainError):
    """The account was erased; nothing is written for it any more (data 29)."""

    kind = Kind.NOT_FOUND
    slug = "NOT_FOUND"


class IdempotencyKeyReused(DomainError):
    """The Idempotency-Key was used before with another request (data 11)."""

    kind = Kind.UNPROCESSABLE
    slug = "IDEMPOTENCY_KEY_REUSED"


class IdempotencyInProgress(DomainError):
    """The first request with this Idempotency-Key still runs (data 11)."""

    kind = Kind.CONFLICT
    slug = "IDEMPOTENCY_IN_PROGRESS"
