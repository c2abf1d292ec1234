"""The methods that RFC 9110 expects everywhere, and that Litestar leaves to each handler.

HEAD answers as GET does, without the body; Allow tells every method of a path, not those of the handler that was
registered first.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from litestar import Litestar
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import HttpMethod, ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Message, Receive, Scope, Send

METHODS = "methods"
"""The application's state holds `methods_of` under this name."""


def methods_of(app: Litestar) -> Mapping[str, str]:
    """Return by path template what its Allow header says."""
    methods: defaultdict[str, set[str]] = defaultdict(set)
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            methods[route.path_format] |= set(route.methods)
    return {path: allow(each) for path, each in methods.items()}


def allow(methods: Iterable[str]) -> str:
    """Return the value of an Allow header: these methods, and HEAD wherever GET is."""
    known = set(methods)
    return ", ".join(sorted(known | {HttpMethod.HEAD.value} if HttpMethod.GET in known else known))


class Heads:
    """Lets a HEAD pass as a GET and keeps its body back (RFC 9110 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != HttpMethod.HEAD:
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        # In place: whoever stands around us looks into this very scope for what became of the request.
        scope["method"] = HttpMethod.GET
        await self._app(scope, receive, send_head)


class ToldMethods(ASGIMiddleware):
    """Corrects the answer to OPTIONS."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass everything else on as it is."""
        if scope.get("method") != HttpMethod.OPTIONS:
            await next_app(scope, receive, send)
            return
        allowed: Mapping[str, str] = scope["litestar_app"].state[METHODS]

        async def send_corrected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                headers["Allow"] = allowed.get(scope["path_template"], headers.get("Allow", ""))
            await send(message)

        await next_app(scope, receive, send_corrected)
