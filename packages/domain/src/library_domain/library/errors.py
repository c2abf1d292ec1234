"""Anticipated failures of the library slice."""

from library_domain.shared.errors import DomainError, Forbidden, Kind


class GameNotFound(DomainError):
    """The game is not in the user's library."""

    kind = Kind.NOT_FOUND
    slug = "GAME_NOT_FOUND"


class AccessDenied(Forbidden):
    """The game is in the library, but may not be played now; `details.reason` says why (details 3.5)."""


class CategoryNotFound(DomainError):
    """The user has no such category."""

    kind = Kind.NOT_FOUND
    slug = "CATEGORY_NOT_FOUND"


class CategoryExists(DomainError):
    """The user has a category of this name already; case does not tell names apart."""

    kind = Kind.CONFLICT
    slug = "CATEGORY_EXISTS"


class InvalidCategory(DomainError):
    """The text is no name of a category; `details.reason` says why: empty, too_long, characters or no_letter."""

    kind = Kind.INVALID
    slug = "INVALID_CATEGORY"


class LimitReached(DomainError):
    """There are as many as there may be; `details` names what and how many."""

    kind = Kind.CONFLICT
    slug = "LIMIT_REACHED"
