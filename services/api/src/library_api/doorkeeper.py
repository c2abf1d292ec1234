"""Who may come in: identity from the token, permission from the matrix, deny by default (contract 3)."""

from dataclasses import replace
from typing import Protocol

from litestar import Litestar
from litestar.enums import HttpMethod, ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

from library_adapters.tokens import Identity, bearer_token
from library_api.headers import values_of
from library_api.metering import Meter
from library_domain.shared.access import MATRIX, Door, Role, authorize
from library_domain.shared.caller import acting, current_caller
from library_domain.shared.errors import Unauthenticated


class Tokens(Protocol):
    """Verifies access tokens; `library_adapters.tokens.TokenVerifier` does."""

    async def verify(self, token: str) -> Identity:
        """Return whom the token proves.

        Raises Unauthenticated, Forbidden for a token without a known role, DependencyUnavailable without keys.
        """
        ...


class OperationNotInMatrix(Exception):
    """A route bears no operation of the access matrix: deny by default means that it cannot be served."""


class Doorkeeper(ASGIMiddleware):
    """Runs after routing and before anything of the request is read: lets the caller act, or refuses."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, tokens: Tokens, meter: Meter) -> None:
        self._tokens = tokens
        self._meter = meter

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the request act as its caller, and charge it to them.

        Raises Unauthenticated, Forbidden or RateLimited. Whoever shows no valid token is charged by address, so that
        guessing has an end.
        """
        operation: str | None = scope["route_handler"].opt.get("operation")
        if operation is None or Role.ANONYMOUS in MATRIX[operation].roles:
            # Only OPTIONS bears no operation (see require_matrix): it tells the methods of a path, as a 405 does.
            await self._meter.charge(scope)
            await next_app(scope, receive, send)
            return
        try:
            identity = await self._tokens.verify(_token(scope))
        except Unauthenticated:
            await self._meter.charge(scope)
            raise
        caller = replace(current_caller(), actor_id=identity.subject, roles=identity.roles)
        scope["user"] = caller  # for those around us, such as the access log
        with acting(caller):
            await self._meter.charge(scope)
            authorize(operation, identity.roles)
            await next_app(scope, receive, send)


def require_matrix(app: Litestar) -> None:
    """Refuse an application with a route that the access matrix does not have. Raises OperationNotInMatrix."""
    for route in app.routes:
        handlers = route.route_handlers if isinstance(route, HTTPRoute) else [route.route_handler]
        for handler in handlers:
            methods: set[str] = getattr(handler, "http_methods", set())
            if methods == {HttpMethod.OPTIONS}:
                continue
            row = MATRIX.get(handler.opt.get("operation", ""))
            if row is None or row.door is not Door.REST:
                raise OperationNotInMatrix(f"{', '.join(sorted(methods))} {route.path}")


def _token(scope: Scope) -> str:
    """Return the token of the one Authorization header; a token anywhere else is not looked for (RFC 6750 2)."""
    headers = values_of(scope, b"authorization")
    if len(headers) > 1:
        raise Unauthenticated
    return bearer_token(headers[0] if headers else None)
