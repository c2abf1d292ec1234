"""Anticipated failures of the library slice."""

from library_domain.shared.errors import DomainError, Kind


class GameNotFound(DomainError):
    """The game is not in the user's library."""

    kind = Kind.NOT_FOUND
    slug = "GAME_NOT_FOUND"
