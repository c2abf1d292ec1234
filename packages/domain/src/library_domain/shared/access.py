"""The access matrix (spec 10.2, contract 3) as frozen values: the one source for guards, docs and tests.

Deny by default: an operation without a row cannot be routed, a role without the row may not call it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from library_domain.shared.errors import Forbidden


class Role(StrEnum):
    """Roles of the platform's registry (spec 10.1)."""

    ANONYMOUS = "anonymous"
    USER = "user"
    DEVELOPER = "developer"
    PUBLISHER = "publisher"
    MODERATOR = "moderator"
    SUPPORT = "support"
    ADMIN = "admin"
    SYSTEM = "system"


class Door(StrEnum):
    """Where an operation is offered."""

    REST = "rest"
    GRPC = "grpc"


PLAYERS = frozenset({Role.USER, Role.DEVELOPER, Role.PUBLISHER, Role.MODERATOR, Role.SUPPORT, Role.ADMIN})
"""Every role that has data of its own: developer, publisher, moderator, support and admin inherit from user."""
SUPPORT = frozenset({Role.SUPPORT, Role.ADMIN})
"""Who may look at another user's data (details 1.25: nobody may change it over REST)."""
PUBLIC = frozenset(Role)
INTERNAL = frozenset({Role.SYSTEM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row of the matrix."""

    name: str
    door: Door
    roles: frozenset[Role]


MATRIX: dict[str, Operation] = {
    row.name: row
    for row in (
        Operation(name="schema.read", door=Door.REST, roles=PUBLIC),
        Operation(name="library.list", door=Door.REST, roles=PLAYERS),
        Operation(name="library.item", door=Door.REST, roles=PLAYERS),
        Operation(name="library.edit", door=Door.REST, roles=PLAYERS),
        Operation(name="library.access", door=Door.REST, roles=PLAYERS),
        Operation(name="library.file", door=Door.REST, roles=PLAYERS),
        Operation(name="library.unfile", door=Door.REST, roles=PLAYERS),
        Operation(name="categories.list", door=Door.REST, roles=PLAYERS),
        Operation(name="categories.create", door=Door.REST, roles=PLAYERS),
        Operation(name="categories.edit", door=Door.REST, roles=PLAYERS),
        Operation(name="categories.delete", door=Door.REST, roles=PLAYERS),
        Operation(name="collections.list", door=Door.REST, roles=PLAYERS),
        Operation(name="playtime.start", door=Door.REST, roles=PLAYERS),
        Operation(name="playtime.heartbeat", door=Door.REST, roles=PLAYERS),
        Operation(name="playtime.end", door=Door.REST, roles=PLAYERS),
        Operation(name="playtime.sessions", door=Door.REST, roles=PLAYERS),
        Operation(name="playtime.stats", door=Door.REST, roles=PLAYERS),
        Operation(name="playtime.report", door=Door.REST, roles=PLAYERS),
        Operation(name="users.library", door=Door.REST, roles=SUPPORT),
        Operation(name="users.playtime", door=Door.REST, roles=SUPPORT),
        Operation(name="grpc.get_library", door=Door.GRPC, roles=INTERNAL),
        Operation(name="grpc.batch_check_game_access", door=Door.GRPC, roles=INTERNAL),
        Operation(name="grpc.check_game_access", door=Door.GRPC, roles=INTERNAL),
        Operation(name="grpc.check_game_ownership", door=Door.GRPC, roles=INTERNAL),
        Operation(name="grpc.get_playtime_stats", door=Door.GRPC, roles=INTERNAL),
        Operation(name="grpc.get_playtime_statistics", door=Door.GRPC, roles=INTERNAL),
        Operation(name="grpc.start_game_session", door=Door.GRPC, roles=INTERNAL),
        Operation(name="grpc.end_game_session", door=Door.GRPC, roles=INTERNAL),
    )
}


def is_allowed(operation: str, roles: Iterable[Role]) -> bool:
    """Tell whether any of the roles may call the operation.

    Raises KeyError for an operation without a row: that is a bug of the router, found at start.
    """
    return not MATRIX[operation].roles.isdisjoint(roles)


def authorize(operation: str, roles: Iterable[Role]) -> None:
    """Raise Forbidden unless one of the roles may call the operation."""
    if not is_allowed(operation, roles):
        raise Forbidden(operation=operation)
