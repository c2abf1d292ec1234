"""Anticipated failures of the playtime slice."""

from library_domain.shared.errors import DomainError, Kind


class SessionNotFound(DomainError):
    """The user has no such session, running or ended."""

    kind = Kind.NOT_FOUND
    slug = "SESSION_NOT_FOUND"


class SessionEnded(DomainError):
    """The session is over; `details` tells when, why and what it counted (details 3.8)."""

    kind = Kind.CONFLICT
    slug = "SESSION_ENDED"


class SessionAlreadyActive(DomainError):
    """The user plays this game on another device; `details` names it and tells since when."""

    kind = Kind.CONFLICT
    slug = "SESSION_ALREADY_ACTIVE"


class GameInUse(DomainError):
    """Somebody else plays this copy; `details.in_use_by` tells who and since when (details 3.5)."""

    kind = Kind.CONFLICT
    slug = "GAME_IN_USE"
