"""Who may come in: identity from the token, permission from the matrix, deny by default (contract 3)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

from library_adapters.tokens import Identity, bearer_token
from library_domain.shared.access import MATRIX, Door, authorize
from library_domain.shared.caller import Caller

_WORD = re.compile(r"(?<!^)(?=[A-Z])")
_ALIASES: Mapping[str, str] = MappingProxyType({"GetUserLibrary": "GetLibrary"})
"""Methods that are others by another name (contract 5)."""


class Tokens(Protocol):
    """Verifies access tokens; `library_adapters.tokens.TokenVerifier` does."""

    async def verify(self, token: str) -> Identity:
        """Return whom the token proves.

        Raises Unauthenticated, Forbidden for a token without a known role, DependencyUnavailable without keys.
        """
        ...


class OperationNotInMatrix(Exception):
    """A method has no row in the access matrix: deny by default means that it cannot be served."""


class Doorkeeper:
    """Lets a caller act, or refuses."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def admit(self, operation: str, authorization: str | None, caller: Caller) -> Caller:
        """Return the caller with the identity that the `authorization` metadatum proves.

        Raises Unauthenticated, Forbidden, or DependencyUnavailable while the issuer's keys could not be had yet.
        """
        identity = await self._tokens.verify(bearer_token(authorization))
        authorize(operation, identity.roles)
        return replace(caller, actor_id=identity.subject, roles=identity.roles)


def operations(services: Iterable[Any]) -> Mapping[str, str]:
    """Return the matrix' operation of each method by its path: `/…/CheckGameAccess` is `grpc.check_game_access`.

    Raises OperationNotInMatrix.
    """
    return MappingProxyType(
        {path: operation_of(path) for service in services for path in service.__mapping__()}
    )


def operation_of(path: str) -> str:
    """Return the operation of one method. Raises OperationNotInMatrix."""
    method = path.rpartition("/")[2]
    operation = f"grpc.{_WORD.sub('_', _ALIASES.get(method, method)).lower()}"
    row = MATRIX.get(operation)
    if row is None or row.door is not Door.GRPC:
        raise OperationNotInMatrix(f"{path} needs the row {operation}")
    return operation
